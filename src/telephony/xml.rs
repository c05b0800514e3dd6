//! Documents of XML: what several dialects answer with.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::spoken::{is_legal, legal};

/// A document that is being written. What XML cannot have is left out of its texts; the writer would pass it on, and the whole
/// document be refused.
pub struct Page {
    xml: Writer<Vec<u8>>,
    root: &'static str,
}

impl Page {
    /// With its declaration and root begun.
    #[must_use]
    pub fn new(root: &'static str, attributes: &[(&str, &str)]) -> Self {
        let mut page = Self { xml: Writer::new(Vec::with_capacity(2048)), root };
        // Nothing, not a blank, may stand before the declaration.
        page.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        page.start(root, attributes);
        page
    }

    /// The whole of it.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.end(self.root);
        self.xml.into_inner()
    }

    /// Begins an element.
    pub fn start(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.write(Event::Start(BytesStart::new(name).with_attributes(attributes.iter().copied())));
    }

    /// Ends an element.
    pub fn end(&mut self, name: &str) {
        self.write(Event::End(BytesEnd::new(name)));
    }

    /// Writes an element that has nothing in it.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.write(Event::Empty(BytesStart::new(name).with_attributes(attributes.iter().copied())));
    }

    /// Writes an element with nothing but text in it.
    pub fn element(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.start(name, attributes);
        self.text(text);
        self.end(name);
    }

    /// Writes text.
    pub fn text(&mut self, text: &str) {
        if text.chars().all(is_legal) {
            self.write(Event::Text(BytesText::new(text)));
        } else {
            self.write(Event::Text(BytesText::new(&legal(text).collect::<String>())));
        }
    }

    fn write(&mut self, event: Event<'_>) {
        // Writing into a Vec cannot fail.
        let _ = self.xml.write_event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stand_in_each_other_and_text_is_escaped() {
        let mut page = Page::new("a", &[("x", "\"<1>\"")]);
        page.start("b", &[]);
        page.text("1 < 2\u{0}\u{ffff} & 3\u{1e}");
        page.empty("c", &[("y", "")]);
        page.end("b");
        page.element("d", &[], "");
        assert_eq!(
            String::from_utf8(page.finish()).unwrap(),
            concat!(
                r#"<?xml version="1.0" encoding="UTF-8"?>"#,
                r#"<a x="&quot;&lt;1&gt;&quot;"><b>1 &lt; 2 &amp; 3<c y=""/></b><d></d></a>"#
            )
        );
    }
}
