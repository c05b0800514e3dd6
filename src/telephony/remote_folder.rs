//! Folders on a platform's own disk, which callers' messages are recorded into.

use serde::Deserialize;

/// The path of such a folder; an empty one is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct RemoteFolder(Box<str>);

impl RemoteFolder {
    /// The path, without a slash at its end, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        Some(self.0.trim_end_matches('/')).filter(|path| !path.is_empty())
    }

    /// Whether the path, if there is one, can stand among the words of a command.
    #[must_use]
    pub fn can_be_named(&self) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
        self.0.is_empty() || self.0.starts_with('/') && self.0.bytes().all(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_plain_or_there_is_none() {
        let folder = |path: &str| RemoteFolder(path.into());
        for (path, can) in
            [("", true), ("/var/lib/a-b_c.d/", true), ("a", false), ("/a b", false), ("/a;b", false), ("/${a}", false)]
        {
            assert_eq!(folder(path).can_be_named(), can, "{path}");
        }
        assert_eq!(folder("/a/").path(), Some("/a"));
        assert_eq!(folder("").path(), None);
    }
}
