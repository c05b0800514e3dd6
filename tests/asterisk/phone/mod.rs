//! Telephones on loopback: who calls, and who is called. Tests are plain threads; signalling and sound run beside them.

pub mod g711;
mod leg;
mod media;
mod message;

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use self::leg::{Leg, Sockets};
pub use self::media::{Pace, RATE};

/// Longer than anything that is waited for takes, on a machine that is busy with other things.
pub const DEADLINE: Duration = Duration::from_mins(1);
/// A silence as between two sentences is shorter.
const QUIET: Duration = Duration::from_millis(600);
const LOOPBACK: &str = "127.0.0.1";

/// Where all telephones live. Their clocks tick beside whatever the tests compute.
static EXCHANGE: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("phones").enable_all().build().unwrap()
});

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has called yet.
    Idle,
    Calling,
    Ringing,
    Talking,
    Ended(End),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// We hung up.
    Ours,
    /// The other side did.
    Theirs,
    /// It never was a call: the status that said so.
    Refused(u16),
    /// Nobody answered our signals.
    Lost,
}

/// What a telephone is told to do.
enum Command {
    Press { keys: String, pace: Pace },
    HangUp,
}

/// What can be seen of a telephone from outside.
struct View {
    stage: Stage,
    hearing: media::Hearing,
    /// When the call was answered: the beginning of `hearing`.
    begun: Instant,
    /// Whether everything that was to be pressed is pressed.
    free: bool,
    /// The first sample of `hearing` after each key that was let go of.
    pressed: Vec<usize>,
    /// Who called, when this telephone was called.
    caller: Option<String>,
}

struct Shared {
    view: Mutex<View>,
    changed: Condvar,
}

impl Shared {
    fn new(stage: Stage) -> Arc<Self> {
        let begun = Instant::now();
        let hearing = media::Hearing::new(begun);
        let view = View { stage, hearing, begun, free: true, pressed: Vec::new(), caller: None };
        Arc::new(Self { view: Mutex::new(view), changed: Condvar::new() })
    }

    /// A test that failed while it looked has broken nothing.
    fn lock(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks, and lets those know who wait.
    fn change<T>(&self, change: impl FnOnce(&mut View) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `ready` is there.
    #[track_caller]
    fn until<T>(&self, what: &str, mut ready: impl FnMut(&View) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        let mut view = self.lock();
        loop {
            if let Some(result) = ready(&view) {
                return result;
            }
            assert!(Instant::now() < end, "not in time: {what}; the call is {:?}", view.stage);
            // Silence is no change: it is looked for.
            view = self.changed.wait_timeout(view, Duration::from_millis(20)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A telephone, which puts itself down when dropped.
pub struct Phone {
    shared: Arc<Shared>,
    commands: UnboundedSender<Command>,
    pub address: SocketAddr,
}

/// What somebody does whose telephone rings.
#[derive(Clone, Debug)]
pub enum Manner {
    /// Answers after so long, and says this over and over.
    Answers { after: Duration, saying: Arc<[i16]> },
    /// Is on the telephone for so many calls, and then answers, and says this over and over.
    AnswersLater { busy: usize, saying: Arc<[i16]> },
    /// Is on the telephone.
    Busy,
    /// Is not there.
    Away,
}

impl Phone {
    /// Calls `number` of `exchange` as `own`.
    pub fn dial(exchange: SocketAddr, number: &str, own: &str) -> Self {
        Self::dial_saying(exchange, number, own, [].into())
    }

    /// The same, and says this over and over.
    pub fn dial_saying(exchange: SocketAddr, number: &str, own: &str, voice: Arc<[i16]>) -> Self {
        let shared = Shared::new(Stage::Calling);
        let (number, own) = (number.to_owned(), own.to_owned());
        Self::on(LOOPBACK, shared, |sockets| {
            move |shared, commands| Box::pin(Leg::new(sockets, shared, commands, exchange, voice).call(number, own))
        })
    }

    /// Calls from another address of this machine.
    pub fn dial_from(ip: &str, exchange: SocketAddr, number: &str, own: &str) -> Self {
        let (number, own) = (number.to_owned(), own.to_owned());
        Self::on(ip, Shared::new(Stage::Calling), |sockets| {
            move |shared, commands| Box::pin(Leg::new(sockets, shared, commands, exchange, [].into()).call(number, own))
        })
    }

    /// Waits for one call, and does with it as `manner` says.
    pub fn answering(manner: Manner) -> Self {
        let shared = Shared::new(Stage::Idle);
        let voice = match &manner {
            Manner::Answers { saying, .. } | Manner::AnswersLater { saying, .. } => Arc::clone(saying),
            _ => [].into(),
        };
        Self::on(LOOPBACK, shared, |sockets| {
            let nobody = sockets.sip_address;
            move |shared, commands| Box::pin(Leg::new(sockets, shared, commands, nobody, voice).answer(manner))
        })
    }

    fn on<F, R>(ip: &str, shared: Arc<Shared>, make: F) -> Self
    where
        F: FnOnce(Sockets) -> R,
        R: FnOnce(Arc<Shared>, tokio::sync::mpsc::UnboundedReceiver<Command>) -> leg::Running,
    {
        let _inside = EXCHANGE.enter();
        let socket = || {
            let socket = UdpSocket::bind((ip, 0)).unwrap();
            socket.set_nonblocking(true).unwrap();
            let address = socket.local_addr().unwrap();
            (tokio::net::UdpSocket::from_std(socket).unwrap(), address)
        };
        let ((sip, address), (rtp, rtp_address)) = (socket(), socket());
        let sockets = Sockets { sip, sip_address: address, rtp, rtp_address };
        let (commands, receiver) = unbounded_channel();
        EXCHANGE.spawn(make(sockets)(Arc::clone(&shared), receiver));
        Self { shared, commands, address }
    }

    pub fn stage(&self) -> Stage {
        self.view().stage.clone()
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.shared.lock()
    }

    /// Waits until the call is answered.
    #[track_caller]
    pub fn answered(&self) -> &Self {
        self.shared.until("an answer", |view| match &view.stage {
            Stage::Talking => Some(()),
            Stage::Ended(end) => panic!("the call ended: {end:?}"),
            _ => None,
        });
        self
    }

    /// Waits until somebody calls, and says who.
    #[track_caller]
    pub fn called_by(&self) -> String {
        self.shared.until("a call", |view| view.caller.clone())
    }

    /// Waits until the call is over, and says how.
    #[track_caller]
    pub fn ended(&self) -> End {
        self.shared.until("the end of the call", |view| match &view.stage {
            Stage::Ended(end) => Some(end.clone()),
            _ => None,
        })
    }

    /// Presses `keys`, one after the other, and waits until the last is let go of.
    #[track_caller]
    pub fn press(&self, keys: &str, pace: Pace) {
        // Not free from this moment on, whenever the telephone gets to it.
        self.shared.change(|view| view.free = false);
        let _ = self.commands.send(Command::Press { keys: keys.to_owned(), pace });
        self.shared.until("keys", |view| (view.free || matches!(view.stage, Stage::Ended(_))).then_some(()));
    }

    pub fn hang_up(&self) {
        let _ = self.commands.send(Command::HangUp);
        self.ended();
    }

    /// Waits until something is heard that was not before `since`, a sample of [`Self::heard`].
    #[track_caller]
    pub fn sound_after(&self, since: usize) -> usize {
        self.shared.until("sound", |view| {
            let heard = view.hearing.samples();
            heard.get(since..)?.iter().position(|sample| sample.unsigned_abs() > 300).map(|at| since + at)
        })
    }

    /// Waits until no sound has come for a while.
    #[track_caller]
    pub fn quiet(&self) {
        self.quiet_for(QUIET);
    }

    /// So long a while.
    #[track_caller]
    pub fn quiet_for(&self, time: Duration) {
        self.shared.until("silence", |view| {
            let over = matches!(view.stage, Stage::Ended(_));
            (over || view.hearing.quiet_for(Instant::now()) >= time).then_some(())
        });
    }

    /// What was heard so far, at [`RATE`] samples a second from the moment of the answer.
    pub fn heard(&self) -> Vec<i16> {
        self.view().hearing.samples().to_vec()
    }

    /// Where in [`Self::heard`] keys were let go of.
    pub fn pressed(&self) -> Vec<usize> {
        self.view().pressed.clone()
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::HangUp);
    }
}
