//! Reports by telephone that a card is lost: who made one of which card, and when it lapses.
//!
//! A report is there, or it is not: whoever takes it away (its owner, or time) deletes its row, and only who has deleted
//! it writes so into the audit, in the same transaction. So each ends once, on however many nodes, whatever dies between.
//! Whether it still holds is told by its time, not by whether somebody has come to delete it.
//!
//! It stands apart from the register, which an import overwrites, and belongs to a card: a new one is not lost.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use super::crypto::Place;
use super::{StoreError, Tx, key_of, time_of};
use crate::member::MemberId;
use crate::member::card::{Card, LossReport};

/// A report as sealed. Sealed to when it lapses, too: moving that in the database leaves a row that does not open.
#[derive(Serialize, Deserialize)]
struct Record {
    since: i64,
}

/// A card of which nobody else reports, renews or releases anything until the commit.
pub(crate) struct HeldCard {
    member: MemberId,
    index: [u8; 32],
    /// As the register has it.
    registered: Card,
    /// As it is.
    pub card: Card,
}

impl Tx<'_> {
    /// 社保卡, with what was reported of it; `None`: the member has none.
    pub(crate) async fn card(&mut self, member: MemberId) -> Result<Option<Card>, StoreError> {
        Ok(self.held_card(member, false).await?.map(|held| held.card))
    }

    /// The same, to change what is reported of it.
    pub(crate) async fn hold_card(&mut self, member: MemberId) -> Result<Option<HeldCard>, StoreError> {
        self.held_card(member, true).await
    }

    async fn held_card(&mut self, member: MemberId, hold: bool) -> Result<Option<HeldCard>, StoreError> {
        let Some((number, status)) = self.registered_card(member).await? else { return Ok(None) };
        let index = self.seals.entry(&[b"card", &member.0, number.expose().as_bytes()]);
        if hold {
            // Written only to lock the row, in both engines.
            sqlx::query("UPDATE loss_reports SET until = until WHERE member = $1 AND card = $2")
                .bind(member.0.as_slice())
                .bind(index.as_slice())
                .execute(&mut *self.conn)
                .await?;
        }
        let registered = Card { tail: number.tail(), status, report: None };
        let report = self.loss_report(member, index).await?;
        Ok(Some(HeldCard { member, index, registered, card: registered.reported(report, self.now) }))
    }

    async fn loss_report(&mut self, member: MemberId, index: [u8; 32]) -> Result<Option<LossReport>, StoreError> {
        let row = sqlx::query("SELECT until, record FROM loss_reports WHERE member = $1 AND card = $2")
            .bind(member.0.as_slice())
            .bind(index.as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let until: i64 = row.try_get("until")?;
        let Record { since } = self.seals.open(report_at(&place(member, index, until)), row.try_get("record")?)?;
        Ok(Some(LossReport { since: time_of(since), until: time_of(until) }))
    }

    /// Remembers a report that lapses at `until`. `None`: somebody else has just made one.
    pub(crate) async fn report_loss(&mut self, held: &HeldCard, until: Timestamp) -> Result<Option<Card>, StoreError> {
        let report = LossReport { since: self.now, until };
        let made = sqlx::query(
            "INSERT INTO loss_reports (member, card, until, record) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(held.member.0.as_slice())
        .bind(held.index.as_slice())
        .bind(until.as_millisecond())
        .bind(self.sealed(held, report)?)
        .execute(&mut *self.conn)
        .await?;
        Ok((made.rows_affected() == 1).then(|| held.registered.reported(Some(report), self.now)))
    }

    /// Lets the report of a held card lapse at `until`, if that is later. `None`: there is none that holds.
    pub(crate) async fn renew_loss(&mut self, held: &HeldCard, until: Timestamp) -> Result<Option<Card>, StoreError> {
        let Some(report) = held.card.report else { return Ok(None) };
        let report = LossReport { until: report.until.max(until), ..report };
        let renewed = sqlx::query("UPDATE loss_reports SET until = $3, record = $4 WHERE member = $1 AND card = $2")
            .bind(held.member.0.as_slice())
            .bind(held.index.as_slice())
            .bind(report.until.as_millisecond())
            .bind(self.sealed(held, report)?)
            .execute(&mut *self.conn)
            .await?;
        Ok((renewed.rows_affected() == 1).then(|| held.registered.reported(Some(report), self.now)))
    }

    /// Takes the report of a held card back. `None`: there is none that holds.
    pub(crate) async fn release_loss(&mut self, held: &HeldCard) -> Result<Option<Card>, StoreError> {
        if held.card.report.is_none() {
            return Ok(None);
        }
        let released = self.delete_report(&held.member.0, &held.index, Timestamp::MAX).await?;
        Ok(released.then_some(held.registered))
    }

    /// Lets the report of a held card lapse, if its time is over. Whether it did.
    pub(crate) async fn lapse_loss(&mut self, held: &HeldCard) -> Result<bool, StoreError> {
        self.delete_report(&held.member.0, &held.index, self.now).await
    }

    /// Lets reports lapse whose time is over, looking at `most` of them. How many were looked at, and whose it let lapse.
    pub(crate) async fn lapse_losses(&mut self, most: u16) -> Result<(usize, Vec<MemberId>), StoreError> {
        // In one order on every node, so that two that delete the same rows wait for each other in one direction.
        let over =
            sqlx::query("SELECT member, card FROM loss_reports WHERE until <= $1 ORDER BY member, card LIMIT $2")
                .bind(self.now.as_millisecond())
                .bind(i64::from(most))
                .fetch_all(&mut *self.conn)
                .await?;
        let mut lapsed = Vec::with_capacity(over.len());
        for row in &over {
            let (member, card) = (key_of(row, "member")?, key_of(row, "card")?);
            if self.delete_report(&member, &card, self.now).await? {
                lapsed.push(MemberId(member));
            }
        }
        Ok((over.len(), lapsed))
    }

    /// Deletes a report that lapses at `until` or before. Whether this transaction is the one that did.
    async fn delete_report(
        &mut self,
        member: &[u8; 32],
        card: &[u8; 32],
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let deleted = sqlx::query("DELETE FROM loss_reports WHERE member = $1 AND card = $2 AND until <= $3")
            .bind(member.as_slice())
            .bind(card.as_slice())
            .bind(until.as_millisecond())
            .execute(&mut *self.conn)
            .await?;
        Ok(deleted.rows_affected() == 1)
    }

    fn sealed(&self, held: &HeldCard, report: LossReport) -> Result<Vec<u8>, StoreError> {
        let place = place(held.member, held.index, report.until.as_millisecond());
        self.seals.seal(report_at(&place), &Record { since: report.since.as_millisecond() })
    }
}

fn place(MemberId(member): MemberId, card: [u8; 32], until: i64) -> [u8; 72] {
    let mut place = [0; 72];
    place[..32].copy_from_slice(&member);
    place[32..64].copy_from_slice(&card);
    place[64..].copy_from_slice(&until.to_be_bytes());
    place
}

fn report_at(row: &[u8]) -> Place<'_> {
    Place { table: "loss_reports", column: "record", row }
}
