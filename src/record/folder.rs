//! Where recordings lie: a folder that nobody else may read, and from which they go by themselves.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::fault::{Fault, Faults};

/// What every file of a recording begins with: nothing else in the folder is ever touched.
const PREFIX: &str = "REC-";
/// How a transcript ends.
const CALL: &str = ".call";
/// How the register beside it ends.
const REGISTER: &str = ".csv";

/// The folder of recordings.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    kept: Duration,
    most: usize,
}

/// A call that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// The transcript.
    pub path: PathBuf,
    /// When it was written.
    pub written: Timestamp,
}

impl Recording {
    /// How old it is at `now`.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::try_from(now.duration_since(self.written)).unwrap_or_default()
    }
}

impl Folder {
    /// The folder at `path`, made if it is not there; recordings stay in it as long as `kept`, and so many are in it at once
    /// at `most`.
    ///
    /// # Errors
    /// It cannot be made, or others may look into it.
    pub fn open(path: &Path, kept: Duration, most: usize) -> Result<Self, Faults> {
        let fault = |problem: String, remedy: &str| faulty(path, &problem, remedy);
        if !path.exists() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|e| fault(format!("cannot be made: {e}"), "name a folder that can be, or leave it empty"))?;
        }
        let about = fs::metadata(path).map_err(|e| fault(format!("cannot be read: {e}"), "make it readable"))?;
        if !about.is_dir() {
            return Err(fault("is no folder".to_owned(), "name a folder"));
        }
        if about.permissions().mode() & 0o077 != 0 {
            return Err(fault("can be looked into by others".to_owned(), "chmod 700 it, or let it be made"));
        }
        Ok(Self { path: path.to_owned(), kept, most })
    }

    /// The folder at `path`, of a hotline that recorded into it: nothing is written there, and whoever may look into it, what
    /// is in it can be deleted.
    ///
    /// # Errors
    /// It is not there.
    pub fn left(path: &Path, kept: Duration) -> Result<Self, Faults> {
        if path.is_dir() {
            Ok(Self { path: path.to_owned(), kept, most: 0 })
        } else {
            Err(faulty(path, "is no folder", "name the folder that calls were recorded into"))
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How long a recording stays.
    #[must_use]
    pub fn kept(&self) -> Duration {
        self.kept
    }

    /// The name of a recording of this `stem`.
    #[must_use]
    pub fn name(stem: &str) -> String {
        format!("{PREFIX}{stem}")
    }

    /// Writes a recording: what stands beside it first, so that whoever sees the transcript can play it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, files: &[(String, String)]) -> io::Result<()> {
        let mut files: Vec<_> = files.iter().collect();
        files.sort_by_key(|(name, _)| name.ends_with(CALL));
        for (name, text) in files {
            let draft = self.path.join(format!("{name}.new"));
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            fs::rename(draft, self.path.join(name))?;
        }
        Ok(())
    }

    /// Whether as many recordings are in it as may be.
    ///
    /// # Errors
    /// What the file system says.
    pub fn is_full(&self) -> io::Result<bool> {
        Ok(self.recordings()?.len() >= self.most)
    }

    /// Every recording, the oldest first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn recordings(&self) -> io::Result<Vec<Recording>> {
        let mut trouble = Ok(());
        let mut found = self.files(&mut trouble)?;
        found.retain(|(name, _)| name.ends_with(CALL));
        found.sort_by(|a, b| (a.1.written, &a.0).cmp(&(b.1.written, &b.0)));
        trouble.map(|()| found.into_iter().map(|(_, recording)| recording).collect())
    }

    /// Deletes what is older than may be kept at `now`; how many recordings that were.
    ///
    /// # Errors
    /// What the file system says first; what could be deleted nevertheless is.
    pub fn sweep(&self, now: Timestamp) -> io::Result<usize> {
        self.delete(|file| file.age(now) >= self.kept)
    }

    /// Deletes all of them; how many there were.
    ///
    /// # Errors
    /// What the file system says first; what could be deleted nevertheless is.
    pub fn clear(&self) -> io::Result<usize> {
        self.delete(|_| true)
    }

    fn delete(&self, which: impl Fn(&Recording) -> bool) -> io::Result<usize> {
        let (mut trouble, mut recordings) = (Ok(()), 0);
        for (name, file) in self.files(&mut trouble)?.iter().filter(|(_, file)| which(file)) {
            if noted(fs::remove_file(&file.path), &mut trouble).is_some() {
                recordings += usize::from(name.ends_with(CALL));
            }
        }
        trouble.map(|()| recordings)
    }

    /// Every file of a recording that can be looked at, by its name; the first of the others is the `trouble`.
    fn files(&self, trouble: &mut io::Result<()>) -> io::Result<Vec<(String, Recording)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let Some(entry) = noted(entry, trouble) else { continue };
            let Ok(name) = entry.file_name().into_string() else { continue };
            let ours = [CALL, REGISTER, ".new"].iter().any(|ending| name.ends_with(ending));
            if !name.starts_with(PREFIX) || !ours {
                continue;
            }
            let Some(about) = noted(entry.metadata(), trouble).filter(fs::Metadata::is_file) else { continue };
            let written = about.modified().and_then(|at| Timestamp::try_from(at).map_err(io::Error::other));
            if let Some(written) = noted(written, trouble) {
                found.push((name, Recording { path: entry.path(), written }));
            }
        }
        Ok(found)
    }
}

/// What `done` gave. The first error is the `trouble`; no error is that something went meanwhile, which other nodes do as well.
fn noted<T>(done: io::Result<T>, trouble: &mut io::Result<()>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            if trouble.is_ok() {
                *trouble = Err(error);
            }
            None
        }
    }
}

fn faulty(path: &Path, problem: &str, remedy: &str) -> Faults {
    Faults(vec![Fault::of("record.directory", format!("{} {problem}", path.display()), remedy)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const DAY: Duration = Duration::from_hours(24);

    fn files(folder: &Folder) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nobody_else_looks_in() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calls");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = Folder::open(&path, DAY, 2).unwrap();
        assert_eq!(mode(&path), 0o700);
        folder.write(&[("REC-1.call".into(), "通话".into()), ("REC-1-members.csv".into(), String::new())]).unwrap();
        assert_eq!(files(&folder), ["REC-1-members.csv", "REC-1.call"]);
        assert_eq!(mode(&path.join("REC-1.call")), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let refused = Folder::open(&path, DAY, 2).unwrap_err().to_string();
        assert!(refused.contains("can be looked into by others"), "{refused}");
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Folder::open(&file, DAY, 2).unwrap_err().to_string().contains("is no folder"));
    }

    #[test]
    fn what_is_old_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("calls"), DAY, 2).unwrap();
        folder.write(&[("REC-1.call".into(), "通话".into()), ("REC-1-members.csv".into(), String::new())]).unwrap();
        fs::write(folder.path().join("notes.call"), "of somebody's own").unwrap();
        let now = Clock::system().now();
        assert_eq!(folder.sweep(now).unwrap(), 0);
        assert_eq!(folder.recordings().unwrap().len(), 1);
        assert_eq!(folder.sweep(now.saturating_add(DAY + DAY).unwrap()).unwrap(), 1);
        assert_eq!(files(&folder), ["notes.call"]);
    }

    #[test]
    fn so_many_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("calls"), DAY, 2).unwrap();
        for (name, full) in [("REC-1.call", false), ("REC-1-members.csv", false), ("REC-2.call", true)] {
            folder.write(&[(name.into(), String::new())]).unwrap();
            assert_eq!(folder.is_full().unwrap(), full, "{name}");
        }
    }

    /// What went meanwhile is no trouble, and of what is, the first is told when all is done.
    #[test]
    fn trouble_with_one_file_is_told_last() {
        let mut trouble = Ok(());
        let gone = || io::Error::from(io::ErrorKind::NotFound);
        let error = |text: &str| io::Error::other(text.to_owned());
        assert_eq!(noted(Err::<(), _>(gone()), &mut trouble), None);
        assert!(trouble.is_ok());
        assert_eq!(noted(Err::<(), _>(error("first")), &mut trouble), None);
        assert_eq!(noted(Err::<(), _>(error("second")), &mut trouble), None);
        assert_eq!(noted(Ok(1), &mut trouble), Some(1));
        assert_eq!(trouble.unwrap_err().to_string(), "first");
    }
}
