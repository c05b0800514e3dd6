use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::build::{BuildError, Plan};
use super::*;
use crate::speech::clip::sound::{After, Before};
use crate::speech::clip::wanted::{Chunk, Wanted};

/// A folder of prompts with nothing in it, and a program that renders each clip as a tone.
struct Site {
    prompts: TempDir,
    folder: Folder,
}

impl Site {
    fn new() -> Self {
        let prompts = TempDir::new().unwrap();
        let folder = Folder::of(prompts.path(), Language::Mandarin);
        let site = Self { prompts, folder };
        fs::write(site.prompts.path().join("tone.wav"), tone(3000, 1000)).unwrap();
        let program = site.program();
        let tone = site.prompts.path().join("tone.wav");
        // The names of the work list, as a shell can read them.
        let script = format!(
            "#!/bin/sh\ngrep -o '\"name\":\"[^\"]*\"' | cut -d'\"' -f4 | while read -r name; do\n\
             cp {} {}/$name.wav; echo rendered $name; done\n",
            tone.display(),
            site.folder.path().display()
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        site
    }

    fn program(&self) -> PathBuf {
        self.prompts.path().join("render")
    }

    fn build(&self, wanted: &[Wanted]) -> (Vec<String>, Vec<String>) {
        let manifest = self.folder.manifest().unwrap();
        let mut told = Vec::new();
        let plan = Plan::of(&self.folder, manifest.as_ref(), wanted, false);
        let faults = plan.carry_out(&self.folder, &self.program(), |line| told.push(line.to_owned())).unwrap();
        (told, self.shown(faults))
    }

    fn check(&self, wanted: &[Wanted]) -> Vec<String> {
        let manifest = self.folder.manifest().unwrap().unwrap();
        self.shown(check::faults(&self.folder, &manifest, wanted))
    }

    /// Faults without the folder, which is another each time.
    fn shown(&self, faults: Vec<Fault>) -> Vec<String> {
        let folder = self.folder.path().display().to_string();
        faults
            .into_iter()
            .map(|fault| fault.to_string().replace(&folder, "clips").replace("\n    remedy:", " |"))
            .collect()
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.folder.path().join(name), bytes).unwrap();
    }
}

/// A tone of 500 Hz at this amplitude.
fn tone(amplitude: i16, samples: usize) -> Vec<u8> {
    of_samples(8000, (0..samples).map(|n| if n / 8 % 2 == 0 { amplitude } else { -amplitude }))
}

fn of_samples(sample_rate: u32, samples: impl Iterator<Item = i16>) -> Vec<u8> {
    let spec =
        hound::WavSpec { channels: 1, sample_rate, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    samples.for_each(|sample| writer.write_sample(sample).unwrap());
    writer.finalize().unwrap();
    file.into_inner()
}

fn spoken(name: &str, text: &str) -> Wanted {
    Wanted {
        name: name.to_owned(),
        text: text.to_owned(),
        before: Before::Other,
        after: After::End,
        carrier: vec![Chunk::Wording(text.to_owned()), Chunk::Pause('.')],
        at: 0,
        silence_ms: 0,
    }
}

fn wanted(spoken: impl IntoIterator<Item = Wanted>) -> Vec<Wanted> {
    let silences = [200, 400, 800].map(|silence_ms| Wanted {
        name: format!("silence.{silence_ms}"),
        text: String::new(),
        before: Before::Other,
        after: After::End,
        carrier: Vec::new(),
        at: 0,
        silence_ms,
    });
    spoken.into_iter().chain(silences).collect()
}

#[test]
fn what_is_missing_is_rendered_once() {
    let site = Site::new();
    let clips = wanted([spoken("a.1", "您好"), spoken("b.1", "再见")]);
    assert_eq!(site.build(&clips), (vec!["rendered a.1".to_owned(), "rendered b.1".to_owned()], vec![]));
    assert_eq!(site.check(&clips), [""; 0]);
    assert_eq!(site.build(&clips).0, [""; 0], "nothing has changed");
    let manifest = site.folder.manifest().unwrap().unwrap();
    let a = manifest.entries.iter().find(|entry| &*entry.name == "a.1").unwrap();
    assert_eq!((&*a.text, a.ms, a.take, a.hash.to_string()), ("您好", 125, false, hash(&tone(3000, 1000))));
    // Its text changes: it alone is rendered, and nothing of the old is left.
    let changed = wanted([spoken("a.1", "你好")]);
    assert_eq!(
        site.check(&changed),
        [
            "clips: a.1 speaks “您好”, and is to say “你好” now | run hotline prompts build",
            "clips: b.1 is said by no prompt any more | run hotline prompts build, which deletes it",
        ]
    );
    assert_eq!(site.build(&changed).0, ["rendered a.1"]);
    assert!(!site.folder.clip("b.1").exists());
    assert_eq!(site.check(&changed), [""; 0]);
}

#[test]
fn every_finding_is_told_with_its_remedy() {
    let site = Site::new();
    let names = ["broken", "changed", "clipped", "gone", "loud", "quiet", "rate", "silent"];
    let clips = wanted(names.map(|name| spoken(name, &format!("说{name}"))));
    site.build(&clips);
    // Files that were built so: their hashes are right.
    let square = |amplitude: i16| tone(amplitude, 800);
    for (name, bytes) in [
        ("clipped", square(i16::MAX)),
        ("quiet", square(500)),
        ("silent", square(0)),
        ("rate", of_samples(16000, [0; 16].into_iter())),
        ("broken", b"RIFF".to_vec()),
    ] {
        site.put(&format!("{name}.wav"), &bytes);
        let path = site.folder.path().join(MANIFEST);
        let mut manifest = site.folder.manifest().unwrap().unwrap();
        for entry in manifest.entries.iter_mut().filter(|entry| &*entry.name == name) {
            entry.hash = hash(&bytes).into();
        }
        fs::write(path, manifest.text()).unwrap();
    }
    site.put("changed.wav", &square(4000));
    fs::remove_file(site.folder.clip("gone")).unwrap();
    site.put("silence.200.wav", &square(4000));
    site.put("loud.take.wav", &square(4000));
    site.put("other.wav", &square(4000));
    site.put("another.take.wav", &square(4000));
    let mut clips = clips;
    clips.push(spoken("new.1", "新的"));
    assert_eq!(
        site.check(&clips),
        [
            "clips: another is not in the manifest, and another.take.wav lies there | name it as the clip it is to be, or delete it; then run hotline prompts build",
            "clips: broken is no WAV file: Failed to read enough bytes. | save it as WAV: 8 kHz, mono, 16 bits",
            "clips: changed is another file than the manifest tells | run hotline prompts build, which looks at it and takes it",
            "clips: clipped is clipped: it was cut off at full scale | delete the file, then run hotline prompts build",
            "clips: gone has no file gone.wav | bring it back, or run hotline prompts build",
            "clips: loud has a take that is not played | run hotline prompts build, which takes it if it can be played",
            "clips: new.1 is missing: “新的” | run hotline prompts build",
            "clips: other is not in the manifest, and other.wav lies there | name it as the clip it is to be, or delete it; then run hotline prompts build",
            "clips: quiet is too quiet: -36 dB, and -32 is the least | delete the file, then run hotline prompts build",
            "clips: rate is 16000 Hz, 1 channels, 16 bits | make it 8 kHz, mono, 16 bits: sox clips/rate.wav -r 8000 -c 1 -b 16 -e signed-integer NEW.wav",
            "clips: silence.200 is another file than the manifest tells | run hotline prompts build, which looks at it and takes it",
            "clips: silent is silent | delete the file, then run hotline prompts build",
        ]
    );
}

#[test]
fn a_recorded_take_is_played_in_the_place_of_a_clip() {
    let site = Site::new();
    let clips = wanted([spoken("a.1", "您好"), spoken("b.1", "再见")]);
    site.build(&clips);
    let take = tone(4000, 4000);
    site.put("a.1.take.wav", &take);
    site.put("b.1.take.wav", &tone(500, 4000));
    let (told, faults) = site.build(&clips);
    assert_eq!(told, [""; 0]);
    let quiet = "clips/b.1.take.wav: is too quiet: -36 dB, and -32 is the least, and is not played | record it anew: −20 dB where there is speech, and no peak above −1";
    assert_eq!(faults, [quiet]);
    fs::remove_file(site.folder.take("b.1")).unwrap();
    assert_eq!(site.check(&clips), [""; 0]);
    let library = Library::read(site.prompts.path()).unwrap();
    assert_eq!(library.sound(Language::Mandarin, &hash(&take)).as_deref(), Some(&*take));
    assert!(library.sound(Language::Mandarin, &hash(&tone(3000, 1000))).is_some(), "b.1");
    assert_eq!(library.sound(Language::English, &hash(&take)), None);
    assert_eq!(library.clips().iter().find(|clip| &*clip.name == "a.1").unwrap().length.as_millis(), 500);
    // The wording changes: the take speaks the old one.
    let changed = wanted([spoken("a.1", "你好"), spoken("b.1", "再见")]);
    assert_eq!(
        site.check(&changed),
        [
            "clips: a.1 was recorded as “您好”, and is to say “你好” now | record it anew as the same file, then run hotline prompts build"
        ]
    );
    assert_eq!(site.build(&changed).0, ["rendered a.1"]);
    assert!(!site.folder.take("a.1").exists() && site.folder.path().join("a.1.take.wav.old").exists());
    assert_eq!(site.check(&changed), [""; 0]);
}

/// The operator does what `check` says: records anew, and builds.
#[test]
fn a_new_take_of_new_wording_is_played() {
    let site = Site::new();
    let old = wanted([spoken("a.1", "您好")]);
    site.build(&old);
    let takes = [4000, 5000, 6000].map(|amplitude| tone(amplitude, 4000));
    let take = || fs::read(site.folder.take("a.1")).unwrap();
    site.put("a.1.take.wav", &takes[0]);
    site.build(&old);
    let changed = wanted([spoken("a.1", "你好")]);
    assert_eq!(site.check(&changed).len(), 1);
    site.put("a.1.take.wav", &takes[1]);
    assert_eq!(site.build(&changed), (vec![], vec![]), "nothing is rendered below it");
    assert_eq!(site.check(&changed), [""; 0]);
    assert_eq!(take(), takes[1]);
    let playable = Library::read(site.prompts.path()).unwrap();
    assert!(playable.sound(Language::Mandarin, &hash(&takes[1])).is_some());
    // Without it, the new wording is rendered: what was rendered of the old one is not heard again.
    fs::remove_file(site.folder.take("a.1")).unwrap();
    assert_eq!(site.build(&changed).0, ["rendered a.1"]);
    // Each that is put aside is kept.
    for (take, text) in [(&takes[1], "早"), (&takes[2], "晚")] {
        site.put("a.1.take.wav", take);
        site.build(&changed);
        site.build(&wanted([spoken("a.1", text)]));
        fs::remove_file(site.folder.clip("a.1")).unwrap();
        site.build(&changed);
    }
    let aside = ["a.1.take.wav.old", "a.1.take.wav.old.2"].map(|name| fs::read(site.folder.path().join(name)).unwrap());
    assert_eq!(aside, [takes[1].clone(), takes[2].clone()]);
}

#[test]
fn a_take_goes_with_its_sentence_to_another_name() {
    let site = Site::new();
    let (one, two) = (tone(4000, 4000), tone(5000, 4000));
    let first = wanted([spoken("b.1", "您好"), spoken("c.1", "再见")]);
    site.build(&first);
    site.put("b.1.take.wav", &one);
    site.put("c.1.take.wav", &two);
    site.build(&first);
    // A prompt that comes before says the same; and what two prompts say changes places.
    let renamed = wanted([spoken("a.1", "您好"), spoken("c.1", "再见")]);
    assert_eq!(site.build(&renamed), (vec![], vec![]));
    assert_eq!(site.check(&renamed), [""; 0]);
    let swapped = wanted([spoken("a.1", "再见"), spoken("c.1", "您好")]);
    assert_eq!(site.build(&swapped), (vec![], vec![]));
    assert_eq!(site.check(&swapped), [""; 0]);
    let takes = ["a.1", "c.1"].map(|name| fs::read(site.folder.take(name)).unwrap());
    assert_eq!(takes, [two, one]);
    let files: Vec<_> = check::files(&site.folder).into_iter().filter(|file| !file.starts_with("silence")).collect();
    assert_eq!(files, ["a.1.take.wav", "c.1.take.wav"]);
}

#[test]
fn only_what_was_rendered_is_deleted() {
    let site = Site::new();
    site.build(&wanted([spoken("a.1", "您好"), spoken("b.1", "再见"), spoken("c.1", "早")]));
    // Recordings: to be named yet, of what is said no more, and put where only rendered clips should be.
    let recorded = tone(4000, 4000);
    let left = ["b.1.take.wav", "c.1.wav", "studio 1.wav"];
    for name in left {
        site.put(name, &recorded);
    }
    let clips = wanted([spoken("a.1", "您好")]);
    let manifest = site.folder.manifest().unwrap();
    let plan = Plan::of(&site.folder, manifest.as_ref(), &clips, false);
    assert_eq!((plan.delete, plan.left), (vec!["b.1.wav".to_owned()], left.map(str::to_owned).to_vec()));
    site.build(&clips);
    let there = |name: &str| site.folder.path().join(name).exists();
    assert!(left.iter().all(|name| there(name)) && there("a.1.wav") && !there("b.1.wav"));
}

/// No voice is there that speaks it: the program fails whenever it is asked.
#[test]
fn a_language_is_recorded_by_people_alone() {
    let site = Site::new();
    fs::write(site.program(), "#!/bin/sh\nexit 1\n").unwrap();
    fs::create_dir_all(site.folder.path()).unwrap();
    let clips = wanted([spoken("a.1", "您好"), spoken("b.1", "再见")]);
    site.put("a.1.take.wav", &tone(4000, 4000));
    let build = || {
        let manifest = site.folder.manifest().unwrap();
        let plan = Plan::of(&site.folder, manifest.as_ref(), &clips, false);
        plan.carry_out(&site.folder, &site.program(), |_| ())
    };
    assert!(build().is_err(), "b.1 is not there");
    assert_eq!(site.check(&clips), ["clips: b.1 is missing: “再见” | run hotline prompts build"]);
    site.put("b.1.take.wav", &tone(4000, 4000));
    assert_eq!(build().unwrap(), []);
    assert_eq!(site.check(&clips), [""; 0]);
    assert_eq!(build().unwrap(), [], "and again");
}

#[test]
fn what_is_rendered_and_not_fit_to_be_heard_is_told() {
    let site = Site::new();
    fs::write(site.prompts.path().join("tone.wav"), tone(0, 1000)).unwrap();
    let (_, faults) = site.build(&wanted([spoken("a.1", "您好")]));
    assert_eq!(faults, ["clips/a.1.wav: is silent | delete the file, then run hotline prompts build"]);
}

/// A list of sounds that lacks one may be another amount.
#[test]
fn clips_are_whole_or_not_in_force_and_stay_as_they_are() {
    let site = Site::new();
    site.build(&wanted([spoken("a.1", "您好")]));
    let read = || Library::read(site.prompts.path());
    let refused = || {
        let folder = site.folder.path().display().to_string();
        read().unwrap_err().0[0].to_string().replace(&folder, "clips").replace("\n    remedy:", " |")
    };
    let (sound, of) = (tone(3000, 1000), hash(&tone(3000, 1000)));
    let library = read().unwrap();
    let served = |library: &Library, of: &str| library.sound(Language::Mandarin, of).map(|sound| sound.to_vec());
    assert_eq!(served(&library, &of), Some(sound.clone()));
    site.put("a.1.wav", &tone(4000, 1000));
    assert_eq!(refused(), "clips/a.1.wav: is another file than its manifest tells | run hotline prompts build");
    fs::remove_file(site.folder.clip("a.1")).unwrap();
    let told = refused();
    assert!(told.starts_with("clips/a.1.wav: is a clip that cannot be read: "), "{told}");
    assert_eq!(served(&library, &of), Some(sound.clone()), "whatever is done to the file");
    // Other clips are taken, and the old ones served to whoever was told of them.
    fs::write(site.prompts.path().join("tone.wav"), tone(4000, 1000)).unwrap();
    site.build(&wanted([spoken("a.1", "你好")]));
    let copy = library.clone();
    library.take(&library.newer(site.prompts.path(), Manifests::read(site.prompts.path())).unwrap());
    let newer = hash(&tone(4000, 1000));
    assert_eq!(served(&copy, &newer), Some(tone(4000, 1000)));
    assert_eq!(served(&copy, &of), Some(sound));
    assert!(copy.clips().iter().any(|clip| *clip.hash == newer) && !copy.clips().iter().any(|clip| *clip.hash == of));
}

#[test]
fn a_program_that_fails_or_leaves_something_out_is_told() {
    let site = Site::new();
    let clips = wanted([spoken("a.1", "您好")]);
    let build = |script: &str| {
        fs::write(site.program(), script).unwrap();
        let plan = Plan::of(&site.folder, None, &clips, false);
        plan.carry_out(&site.folder, &site.program(), |_| ()).unwrap_err()
    };
    let program = site.program().display().to_string();
    assert_eq!(build("#!/bin/sh\nexit 3\n").to_string(), format!("{program} ended with exit status: 3"));
    assert_eq!(build("#!/bin/sh\ncat > /dev/null\n").to_string(), format!("{program} made no a.1.wav"));
    // What lies there speaks other words.
    fs::write(site.folder.clip("a.1"), tone(4000, 1000)).unwrap();
    assert_eq!(build("#!/bin/sh\ncat > /dev/null\n").to_string(), format!("{program} made no a.1.wav"));
    fs::remove_file(site.program()).unwrap();
    let plan = Plan::of(&site.folder, None, &clips, false);
    let missing = plan.carry_out(&site.folder, &site.program(), |_| ()).unwrap_err();
    assert!(matches!(missing, BuildError::File { .. }), "{missing}");
}

#[test]
fn no_clips_are_no_fault_and_the_clips_of_another_language_are() {
    let site = Site::new();
    assert_eq!(Library::read(site.prompts.path()).unwrap().clips().iter().count(), 0);
    site.build(&wanted([]));
    let english = Folder::of(site.prompts.path(), Language::English);
    fs::create_dir_all(english.path()).unwrap();
    fs::copy(site.folder.path().join(MANIFEST), english.path().join(MANIFEST)).unwrap();
    let faults = Library::read(site.prompts.path()).unwrap_err().to_string();
    assert!(faults.contains("is of zh-CN, and lies in the folder of en-US"), "{faults}");
}
