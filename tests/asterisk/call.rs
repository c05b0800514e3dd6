//! A call as its caller has it: keys, and what was heard, clip by clip.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::phone::{DEADLINE, End, Pace, Phone, RATE, Stage};
use crate::voice::{self, Voice};

/// A call to a hotline.
pub struct Call {
    phone: Phone,
    voice: Arc<Voice>,
    /// Where its sound is kept.
    path: PathBuf,
    /// What of the sound has been told already.
    told: Cell<usize>,
    /// What was heard of what was expected, to be held against all clips when there is time.
    to_prove: RefCell<Vec<(Range<usize>, String)>>,
}

impl Call {
    /// `own` is who calls.
    pub fn new(phone: Phone, own: &str, voice: Arc<Voice>) -> Self {
        Self { phone, voice, path: path(own), told: Cell::new(0), to_prove: RefCell::default() }
    }

    pub fn phone(&self) -> &Phone {
        &self.phone
    }

    /// Waits until what has been heard since the last time is this and nothing else, and it is quiet: what the clips speak,
    /// with a blank between two; of one that was cut off, with `…` behind it.
    #[track_caller]
    pub fn hears(&self, expected: &str) {
        self.hears_of("exactly this", expected, |said| said == expected);
    }

    /// The same, and what `fits` fits; nothing but what is in `expected` is looked for, until the call is over.
    #[track_caller]
    pub fn hears_of(&self, what: &str, expected: &str, fits: impl Fn(&str) -> bool) {
        let from = self.told.get();
        let fits = |said: &str| !said.contains("[?]") && fits(said);
        let said = self.waits(what, expected, fits, |sound| self.voice.says_of(sound, expected));
        self.to_prove.borrow_mut().push((from..self.told.get(), said));
    }

    /// What was heard of what was expected was all that was heard.
    fn prove(&self) {
        let sound = self.phone.heard();
        for (range, said) in self.to_prove.take() {
            assert_eq!(self.voice.says(&sound[range]), said, "more was heard, or other clips that sound alike");
        }
    }

    /// The same, and what `fits` fits.
    #[track_caller]
    pub fn hears_what(&self, what: &str, expected: &str, fits: impl Fn(&str) -> bool) -> String {
        self.waits(what, expected, fits, |sound| self.voice.says(sound))
    }

    #[track_caller]
    fn waits(
        &self,
        what: &str,
        expected: &str,
        fits: impl Fn(&str) -> bool,
        says: impl Fn(&[i16]) -> String,
    ) -> String {
        let end = Instant::now() + DEADLINE;
        let mut last = None;
        loop {
            self.phone.quiet();
            let (over, sound) = (matches!(self.phone.stage(), Stage::Ended(_)), self.phone.heard());
            if last != Some(sound.len()) {
                last = Some(sound.len());
                let said = says(&sound[self.told.get()..]);
                if fits(&said) {
                    self.told.set(sound.len());
                    return said;
                }
            }
            if over || Instant::now() > end {
                let said = self.voice.says(&sound[self.told.get()..]);
                panic!("heard is not {what}\n  expected {expected}\n  heard    {said}");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until something is said that has not been told yet.
    #[track_caller]
    pub fn hears_something(&self) {
        self.phone.sound_after(self.told.get());
    }

    /// Waits until nothing is said any more.
    #[track_caller]
    pub fn hears_all(&self) {
        self.hears_something();
        self.phone.quiet();
    }

    /// Waits until this is among what is said since the last key, which may go on.
    #[track_caller]
    pub fn hears_within(&self, expected: &str, fits: impl Fn(&str) -> bool) {
        let since = self.phone.pressed().last().copied().unwrap_or_default();
        let end = Instant::now() + DEADLINE;
        loop {
            let said = self.voice.says(&self.phone.heard()[since..]);
            if fits(&said) {
                return;
            }
            assert!(Instant::now() < end, "not heard\n  expected {expected}\n  heard    {said}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Presses keys as people do.
    #[track_caller]
    pub fn press(&self, keys: &str) {
        self.press_at(keys, Pace::FINGER);
    }

    /// As fast as a telephone's memory does.
    #[track_caller]
    pub fn press_fast(&self, keys: &str) {
        self.press_at(keys, Pace::MACHINE);
    }

    /// What was said before the last key was let go of is of no interest any more.
    #[track_caller]
    pub fn press_at(&self, keys: &str, pace: Pace) {
        self.phone.press(keys, pace);
        if let Some(last) = self.phone.pressed().last() {
            self.told.set(self.told.get().max(*last));
        }
    }

    /// What has been heard since the last key, and how long after it that began.
    pub fn answer(&self) -> (String, Duration) {
        let heard = self.phone.heard();
        let (said, begins) = self.voice.says_from(&heard[self.told.get()..]);
        (said, Duration::from_secs(begins as u64) / RATE)
    }

    /// What has been heard of the whole call.
    pub fn heard(&self) -> String {
        self.voice.says(&self.phone.heard())
    }

    /// The first clip of the call that was not heard to its end, and where it broke off.
    pub fn cut_off(&self) -> Option<(String, usize)> {
        self.voice.cut_off(&self.phone.heard())
    }

    /// Answers one question after the other, without hearing any out.
    #[track_caller]
    pub fn answers(&self, answers: &[&str]) {
        for keys in answers {
            self.hears_something();
            self.press(keys);
        }
    }

    /// Signs in by ID number and PIN.
    #[track_caller]
    pub fn sign_in(&self, id: &str, pin: &str) {
        self.answers(&["1", "1", &format!("{id}#"), "1", &format!("{pin}#")]);
    }

    pub fn hang_up(&self) {
        self.phone.hang_up();
    }

    #[track_caller]
    pub fn ended(&self) -> End {
        self.phone.ended()
    }

    /// Everything that was heard, from the file it is kept in.
    pub fn kept(&self) -> String {
        self.keep();
        let sound: Vec<i16> = hound::WavReader::open(&self.path).unwrap().samples().map(Result::unwrap).collect();
        self.voice.says(&sound)
    }

    fn keep(&self) {
        std::fs::create_dir_all(self.path.parent().unwrap()).unwrap();
        voice::write(&self.path, &self.phone.heard());
    }
}

/// A file for the sound of a call of `own`: of the same number's first call, of its second.
fn path(own: &str) -> PathBuf {
    static CALLS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());
    let mut calls = CALLS.lock().unwrap_or_else(PoisonError::into_inner);
    let count = calls.entry(own.to_owned()).or_default();
    *count += 1;
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.cache/asterisk/heard").join(format!("{own}.{count}.wav"))
}

impl Drop for Call {
    fn drop(&mut self) {
        self.keep();
        if std::thread::panicking() {
            eprintln!("what was heard: {}", self.path.display());
        } else {
            self.prove();
        }
    }
}
