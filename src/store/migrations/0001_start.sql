-- One schema for both engines. The types are those the Any driver knows: SQLite takes BYTEA for a type without
-- affinity of its own and keeps blobs as they are. Times are milliseconds since 1970; booleans are 0 and 1.

CREATE TABLE members (
    member BYTEA NOT NULL PRIMARY KEY,
    record BYTEA NOT NULL,
    pin BYTEA,
    pin_hardened BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX members_to_harden ON members (pin_hardened);

-- Several members may share a card key: which of them is meant cannot be told, so none is.
CREATE TABLE identifiers (
    kind BIGINT NOT NULL,
    idx BYTEA NOT NULL,
    member BYTEA NOT NULL,
    PRIMARY KEY (kind, idx, member)
);
CREATE INDEX identifiers_of ON identifiers (member);

CREATE TABLE accounts (
    member BYTEA NOT NULL,
    kind BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (member, kind)
);

CREATE TABLE transactions (
    member BYTEA NOT NULL,
    entry BYTEA NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (member, entry)
);

-- Of a card, not of whatever card the member has: a new one is not lost.
CREATE TABLE loss_reports (
    member BYTEA NOT NULL,
    card BYTEA NOT NULL,
    until BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (member, card)
);
CREATE INDEX loss_reports_by_end ON loss_reports (until);

CREATE TABLE throttle (
    person BYTEA NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    touched_at BIGINT NOT NULL
);

CREATE TABLE throttle_callers (
    person BYTEA NOT NULL,
    caller BYTEA NOT NULL,
    failures BIGINT NOT NULL,
    own_tries BIGINT NOT NULL,
    forgiven BIGINT NOT NULL,
    succeeded_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL,
    PRIMARY KEY (person, caller)
);
CREATE INDEX throttle_callers_of ON throttle_callers (caller, touched_at);

CREATE TABLE callers (
    caller BYTEA NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    since BIGINT NOT NULL
);
CREATE INDEX callers_by_age ON callers (since);

CREATE TABLE calls (
    dialect TEXT NOT NULL,
    call TEXT NOT NULL,
    pin_tries BIGINT NOT NULL,
    rated BIGINT NOT NULL DEFAULT 0,
    touched_at BIGINT NOT NULL,
    ended_at BIGINT,
    PRIMARY KEY (dialect, call)
);

CREATE TABLE effects (
    dialect TEXT NOT NULL,
    call TEXT NOT NULL,
    turn BIGINT NOT NULL,
    request BYTEA NOT NULL,
    outcome BYTEA,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (dialect, call, turn)
);
CREATE INDEX effects_by_age ON effects (created_at);

-- Sums only: no row is about one call.
CREATE TABLE ratings (
    line TEXT NOT NULL,
    day TEXT NOT NULL,
    grade TEXT NOT NULL,
    reason TEXT NOT NULL,
    person BIGINT NOT NULL,
    given BIGINT NOT NULL,
    PRIMARY KEY (line, day, grade, reason, person)
);

CREATE TABLE elder_callers (
    caller BYTEA NOT NULL PRIMARY KEY,
    marked_at BIGINT NOT NULL
);

CREATE TABLE audit (
    chain TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    dialect TEXT NOT NULL,
    call TEXT NOT NULL,
    turn BIGINT NOT NULL,
    person BYTEA,
    caller BYTEA,
    mac BYTEA NOT NULL,
    PRIMARY KEY (chain, seq)
);

CREATE TABLE audit_chains (
    chain TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    mac BYTEA NOT NULL
);

-- What callers left. state: 0 a draft, 1 received, 2 taken, 3 answered, 4 closed, 5 taken back by its caller. waiting_at is
-- what staff go by: since_at where its caller had waited for a person, else received_at.
CREATE TABLE messages (
    number BYTEA NOT NULL PRIMARY KEY,
    recording BYTEA,
    dialect TEXT NOT NULL,
    call TEXT NOT NULL,
    kind BIGINT NOT NULL,
    state BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    since_at BIGINT,
    waiting_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    record BYTEA,
    note BYTEA
);
CREATE UNIQUE INDEX messages_by_recording ON messages (recording);
CREATE INDEX messages_by_call ON messages (dialect, call);
CREATE INDEX messages_by_state ON messages (state, changed_at);

-- Tries at numbers of messages that there are not, by caller and by call.
CREATE TABLE message_looks (
    who BYTEA NOT NULL PRIMARY KEY,
    looks BIGINT NOT NULL,
    since BIGINT NOT NULL
);
