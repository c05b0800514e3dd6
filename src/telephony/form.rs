//! Forms, as platforms post them.

use zeroize::Zeroize;

/// The parameters of a form post. Not to be printed: there are PINs among them.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads an `application/x-www-form-urlencoded` body. Every text is one; what no one can mean is left as U+FFFD.
    #[must_use]
    pub fn parse(body: &[u8]) -> Self {
        Self::parse_all([body])
    }

    /// Reads several as one: what stands in an address, and a body.
    #[must_use]
    pub fn parse_all<'t>(texts: impl IntoIterator<Item = &'t [u8]>) -> Self {
        Self(texts.into_iter().flat_map(|text| form_urlencoded::parse(text).into_owned()).collect())
    }

    /// Names and values, decoded, in order.
    #[must_use]
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether any of `names` stands here more than once. Two answers are none: which of them the sender means, cannot be told.
    #[must_use]
    pub fn has_twice(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.values(name).count() > 1)
    }

    /// Whether any of `names` has values here that differ.
    #[must_use]
    pub fn contradicts_itself(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.values(name).any(|value| Some(value) != self.get(name)))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        for (_, value) in &mut self.0 {
            value.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let form = Form::parse(b"a=%E7%8E%8B+1&b=&c&a=2&d=%FF&");
        assert_eq!((form.get("a"), form.get("b"), form.get("c")), (Some("王 1"), Some(""), Some("")));
        assert_eq!((form.get("d"), form.get("e"), form.get("A")), (Some("\u{fffd}"), None, None));
        assert!(form.has_twice(&["b", "a"]) && !form.has_twice(&["b", "c", "e"]));
        let same = Form::parse(b"a=1&a=1&b=1&b=2");
        assert!(
            same.has_twice(&["a"]) && !same.contradicts_itself(&["a", "c"]) && same.contradicts_itself(&["a", "b"])
        );
    }

    proptest! {
        #[test]
        fn every_body_is_read(body in prop::collection::vec(any::<u8>(), 0..400)) {
            let form = Form::parse(&body);
            prop_assert!(!form.contradicts_itself(&["no such name"]) || form.has_twice(&["no such name"]));
        }
    }
}
