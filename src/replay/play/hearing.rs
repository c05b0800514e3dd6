//! What was heard, held against what is expected.

use super::player::Player;
use super::{Stage, Wrong};
use crate::replay::readings::keys_heard;
use crate::replay::transcript::{Expectation, Step, What};

impl<S: Stage> Player<'_, S> {
    /// Holds what was heard against `steps`, which are lines of what is heard.
    pub(super) fn expect(&mut self, steps: &[Step]) {
        let lines: Vec<(usize, &Expectation)> = steps
            .iter()
            .filter_map(|step| if let What::Heard(expected) = &step.what { Some((step.line, expected)) } else { None })
            .collect();
        let Some((first, _)) = lines.first() else { return };
        let Some((heard, silence)) = self.unheard.take() else {
            if !lines.iter().all(|(_, expected)| expected.optional) {
                self.mismatch(*first, Wrong::Impossible("nothing new is heard".to_owned()));
            }
            return;
        };
        match self.readings.pattern(lines.iter().map(|(_, expected)| *expected)) {
            Ok(pattern) if pattern.hears(&heard) => {
                for (name, digits) in pattern.named(&heard) {
                    self.captured.insert(name.to_owned(), keys_heard(&digits));
                }
            }
            Ok(pattern) => {
                let expected: Vec<_> = lines.iter().map(|(_, expected)| *expected).collect();
                // An amount is another one as a whole, however alike its words are.
                let figures = self.readings.figures(&expected, &heard);
                let corrections = figures.unwrap_or_else(|| pattern.corrections(&heard));
                self.mismatch(*first, Wrong::Heard { difference: pattern.difference(&heard), corrections });
            }
            Err(why) => self.mismatch(*first, Wrong::Impossible(why)),
        }
        for (line, expected) in lines {
            if let Some(within) = expected.within.filter(|within| silence > *within) {
                self.mismatch(line, Wrong::Late { silence, within });
            }
            if let Some(place) = &expected.place
                && let Some(is) = self.place()
                && is != *place
            {
                self.mismatch(line, Wrong::Place { expected: place.clone(), is });
            }
        }
    }

    pub(super) fn place(&self) -> Option<String> {
        let (phone, heard) = self.call.as_ref()?;
        self.place_of(phone, heard)
    }
}
