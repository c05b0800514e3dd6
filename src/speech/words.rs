//! What a caller hears, as a list of words and fragments: the one form from which cloud speech, recorded clips, the
//! console and transcripts are all made.

use std::fmt::Write;

/// One piece of speech, in the order it is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'c> {
    /// Fixed wording of a prompt: `part` counts the fixed fragments of that prompt from 0, so `(prompt, part)` names a clip.
    Fragment {
        /// The prompt whose wording this is.
        prompt: &'c str,
        /// Which of its fragments.
        part: u8,
        /// The wording.
        text: &'c str,
    },
    /// One spoken unit of a value: `一千`, `二百`, `零`, `五角`, `幺`, `月`: what one clip holds.
    Unit(&'static str),
    /// A short break inside a value: between the groups of a telephone number.
    Break,
    /// What is written between two units or prompts, and heard as no more than their rhythm: a space, a comma.
    Joint(&'static str),
}

/// Spoken words in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words<'c> {
    pieces: Vec<Piece<'c>>,
}

impl<'c> Words<'c> {
    /// Nothing said yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says one unit.
    pub fn unit(&mut self, unit: &'static str) {
        self.pieces.push(Piece::Unit(unit));
    }

    /// Adds any piece.
    pub fn push(&mut self, piece: Piece<'c>) {
        self.pieces.push(piece);
    }

    /// Says one unit of a language that parts its words: a space stands before it, unless something else parts
    /// it from the one before.
    pub fn spaced_unit(&mut self, unit: &'static str) {
        if matches!(self.pieces.last(), Some(Piece::Unit(_))) {
            self.pieces.push(Piece::Joint(" "));
        }
        self.unit(unit);
    }

    /// The pieces, in order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece<'c>] {
        &self.pieces
    }

    /// The text a person reads: a break is a space in it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.pieces.len() * 6);
        for piece in &self.pieces {
            let written = match piece {
                Piece::Fragment { text, .. } => text,
                Piece::Unit(unit) | Piece::Joint(unit) => unit,
                Piece::Break => " ",
            };
            // Writing into a String cannot fail.
            let _ = text.write_str(written);
        }
        text
    }
}
