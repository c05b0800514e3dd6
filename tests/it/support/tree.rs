//! Documents of XML as trees, for those who must do what they say.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// Of this element alone.
    pub text: String,
}

impl Element {
    /// The root of a document.
    pub fn parse(text: &str) -> Self {
        let begun = |start: &BytesStart<'_>| {
            let attributes = start.attributes().map(|attribute| {
                let attribute = attribute.unwrap();
                (attribute.key.as_ref().to_owned(), unescape(&attribute.value).unwrap().into_owned())
            });
            Self { name: start.name().as_ref().to_owned(), attributes: attributes.collect(), ..Self::default() }
        };
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap() {
                Event::Decl(_) => assert_eq!(open.len(), 1),
                Event::Start(start) => open.push(begun(&start)),
                Event::Empty(start) => open.last_mut().unwrap().children.push(begun(&start)),
                Event::End(_) => {
                    let done = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(done);
                }
                Event::Text(piece) => open.last_mut().unwrap().text.push_str(&piece),
                Event::GeneralRef(entity) => {
                    let text = &mut open.last_mut().unwrap().text;
                    match entity.resolve_char_ref().unwrap() {
                        Some(c) => text.push(c),
                        None => text.push_str(resolve_predefined_entity(&entity.into_inner()).unwrap()),
                    }
                }
                Event::Eof => break,
                other => panic!("{other:?}: {text}"),
            }
        }
        let [document] = <[Self; 1]>::try_from(open).unwrap_or_else(|_| panic!("cut off: {text}"));
        let [root] = <[Self; 1]>::try_from(document.children).unwrap_or_else(|_| panic!("no one root: {text}"));
        root
    }

    /// The value of an attribute; empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.attributes.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    /// The first child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of this name.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// All that is said in it.
    pub fn words(&self) -> String {
        // No element of ours has words both before and behind another but for breaks, which say nothing.
        self.children.iter().fold(self.text.clone(), |words, child| words + &child.words())
    }
}
