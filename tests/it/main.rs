//! One binary for all integration tests, one file a behaviour: what stands here is a list.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

mod abuse;
mod architecture;
mod audit;
mod calls;
mod card;
mod cli;
mod cloud;
mod config;
mod coverage;
mod details;
mod dialects;
mod durability;
mod edge;
mod elder;
mod family;
mod faults;
mod flow;
mod hours;
mod httapi;
mod jambonz;
mod jambonz_ws;
mod languages;
mod lines;
mod loss;
mod messages;
mod mutual_aid;
mod pin_change;
mod policy;
mod privacy;
mod prompts;
mod properties;
mod queue;
mod rating;
mod recording;
mod reload;
mod secrets;
mod services;
mod sign_in;
mod store;
mod times;
mod transcripts;
mod voice;
mod voicexml;
