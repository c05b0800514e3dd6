//! The lines in force and the languages they speak, as one piece: taken together after a full check.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dialog::explore::{Exploration, Finding, explore};
use crate::dialog::{DialledNumber, Flow, Holidays};
use crate::fault::{Fault, Faults};
use crate::speech::catalog::{Catalog, Catalogs, uneven};
use crate::speech::language::Language;
use arc_swap::ArcSwap;
use jiff::civil::Date;
use serde::Deserialize;

/// The lines in force: replaced as one piece while calls go on. A turn takes what is in force as it begins; nothing waits.
#[derive(Debug)]
pub struct InForce(ArcSwap<Lines>);

impl InForce {
    /// Begins with `lines`.
    #[must_use]
    pub fn new(lines: impl Into<Arc<Lines>>) -> Self {
        Self(ArcSwap::from(lines.into()))
    }

    /// What is in force.
    #[must_use]
    pub fn now(&self) -> Arc<Lines> {
        self.0.load_full()
    }

    /// Puts `lines` in force.
    pub fn take(&self, lines: Arc<Lines>) {
        self.0.store(lines);
    }
}

/// The files of lines and wording, as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    lines: Vec<Source>,
    wordings: Vec<Source>,
    holidays: Vec<Source>,
    /// What could not be read.
    faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Source {
    path: PathBuf,
    text: String,
}

/// Enough of a file to tell what it is about.
#[derive(Default, Deserialize)]
struct About {
    name: Option<String>,
    language: Option<String>,
}

/// The file that holds the wording of a language.
const WORDING: &str = "prompts.toml";

impl Sources {
    /// Reads every `*.toml` of `lines`, every `<language>/prompts.toml` of `prompts`, and every `*.toml` of `holidays`, which
    /// need not be there while no line names any.
    #[must_use]
    pub fn read(lines: &Path, prompts: &Path, holidays: &Path) -> Self {
        let mut faults = Vec::new();
        let wordings = wordings(prompts, &mut faults);
        let holidays = if holidays.exists() { files(holidays, &mut faults) } else { Vec::new() };
        let lines = files(lines, &mut faults);
        Self { lines, wordings, holidays, faults }
    }

    /// Puts a draft in the place of what it will replace: a line's file in that of the line of its name, `prompts.toml` in
    /// that of the wording of its language, a folder of lines or of languages in that of all.
    pub fn put_draft(&mut self, path: &Path) {
        if path.is_dir() {
            let of_languages = Language::ALL.iter().any(|l| path.join(l.tag()).join(WORDING).exists());
            if of_languages {
                self.wordings = wordings(path, &mut self.faults);
            } else {
                self.lines = files(path, &mut self.faults);
            }
            return;
        }
        let Some(draft) = read(path, &mut self.faults) else { return };
        let about = draft.about();
        let is_wording = path.ends_with(WORDING);
        let sources = if is_wording { &mut self.wordings } else { &mut self.lines };
        sources.retain(|source| {
            let other = source.about();
            let same = if is_wording { about.language == other.language } else { about.name == other.name };
            let known = if is_wording { about.language.is_some() } else { about.name.is_some() };
            let same_file = !is_wording && source.path.file_name() == path.file_name();
            !(same_file || (known && same))
        });
        sources.push(draft);
    }

    /// Compiles all.
    ///
    /// # Errors
    /// Every fault of every file at once.
    pub fn compile(&self) -> Result<Lines, Faults> {
        let mut faults = self.faults.clone();
        let mut holidays = Vec::new();
        for source in &self.holidays {
            let name = source.path.file_stem().unwrap_or_default().to_string_lossy();
            match Holidays::parse(&name, &source.shown(), &source.text) {
                Ok(known) => holidays.push(Arc::new(known)),
                Err(found) => faults.extend(found.0),
            }
        }
        let mut catalogs = Vec::new();
        let mut worded = true;
        for source in &self.wordings {
            let folder = source.path.parent().and_then(Path::file_name).unwrap_or_default();
            match Catalog::parse(&source.shown(), &source.text) {
                Ok(catalog) if Language::ALL.iter().any(|l| folder == l.tag() && *l != catalog.language()) => {
                    worded = false;
                    faults.push(Fault::of(
                        &source.shown(),
                        format!("is in {}, and stands where {} should", catalog.language(), folder.display()),
                        "let language and folder be the same",
                    ));
                }
                Ok(catalog) => catalogs.push((source.shown(), catalog)),
                Err(found) => {
                    worded = false;
                    faults.extend(found.0);
                }
            }
        }
        if worded {
            faults.extend(uneven(&catalogs));
        }
        let catalogs: Vec<_> = catalogs.into_iter().map(|(_, catalog)| catalog).collect();
        let mut flows = Vec::new();
        // Without wording every prompt of every line would be a fault: those of the wording come first.
        if worded && !catalogs.is_empty() {
            let spoken: Vec<&Catalog> = catalogs.iter().collect();
            for source in &self.lines {
                match Flow::parse(&source.shown(), &source.text, &spoken, &holidays) {
                    Ok(flow) => flows.push((source.shown(), Arc::new(flow))),
                    Err(found) => faults.extend(found.0),
                }
            }
            collisions(&flows, &mut faults);
        }
        let flows: Vec<_> = flows.into_iter().map(|(_, flow)| flow).collect();
        let first = flows.iter().find(|f| f.takes_any_number()).or(flows.first()).cloned();
        match (first, Catalogs::new(catalogs)) {
            (Some(first), Some(catalogs)) if faults.is_empty() => {
                Ok(Lines { flows, catalogs, first, sources: self.clone() })
            }
            _ => Err(Faults(faults)),
        }
    }
}

impl Source {
    fn about(&self) -> About {
        toml::from_str(&self.text).unwrap_or_default()
    }

    fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// Every line, and every language.
#[derive(Debug)]
pub struct Lines {
    flows: Vec<Arc<Flow>>,
    catalogs: Catalogs,
    first: Arc<Flow>,
    sources: Sources,
}

impl Lines {
    /// Reads and compiles what [`Sources::read`] reads.
    ///
    /// # Errors
    /// Every fault of every file at once.
    pub fn load(lines: &Path, prompts: &Path, holidays: &Path) -> Result<Self, Faults> {
        Sources::read(lines, prompts, holidays).compile()
    }

    /// What these lines were compiled from.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What a walk found on `flow`, as a fault of its file. A file that loads cannot bring a caller where none may get: the
    /// walk guards the code, so `check` and the tests take it, and a start does not wait for it.
    #[must_use]
    pub fn fault(flow: &Flow, found: &Finding) -> Fault {
        let remedy = "report it; until it is mended, change the menus on that path";
        Fault::of(&format!("line {}", flow.name), format!("a caller can get where none may: {found}"), remedy)
    }

    /// What a walk over every line finds: for a reload, which is taken only after it.
    #[must_use]
    pub fn walk_all(&self) -> Vec<Fault> {
        let catalogs = self.catalogs();
        let found = |flow: &Arc<Flow>| {
            let found = Self::walk(flow, &catalogs).findings;
            found.iter().map(|finding| Self::fault(flow, finding)).collect::<Vec<_>>()
        };
        self.flows.iter().flat_map(found).collect()
    }

    /// Walks everything a caller of `flow` can do: about a second for the shipped line.
    #[must_use]
    pub fn walk(flow: &Flow, catalogs: &[&Catalog]) -> Exploration {
        explore(flow, catalogs, |state, event, now| flow.step(state, event, now), |_| false)
    }

    /// What is in order today and will not be for long: holidays that are not announced here yet.
    #[must_use]
    pub fn warnings(&self, today: Date) -> Vec<String> {
        let mut warnings = Vec::new();
        for holidays in self.flows.iter().filter_map(|flow| flow.holidays()) {
            for year in holidays.missing(today) {
                let name = &holidays.name;
                let warning = format!(
                    "holidays {name}: {year} is missing, so only its days of the week count; add [{year}] to {name}.toml \
                     as it is announced"
                );
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            }
        }
        warnings
    }

    /// Every line.
    pub fn flows(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.flows.iter()
    }

    /// The line called `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<Flow>> {
        self.flows.iter().find(|flow| &*flow.name == name)
    }

    /// The line that the dialled number reaches, in whichever of the many ways a platform writes it (`+861012333`,
    /// `sip:12333@…`): the one that names it, else the one that takes any.
    #[must_use]
    pub fn dialled(&self, number: &str) -> &Arc<Flow> {
        let Some(number) = DialledNumber::parse(number) else { return &self.first };
        let named = self.flows.iter().flat_map(|f| f.dialled.iter().map(move |n| (n, f)));
        // The whole number before a service number behind an area code.
        let reached = named.filter(|(n, _)| number.reaches(n)).max_by_key(|(n, _)| n.as_str().len());
        reached.map_or(&self.first, |(_, flow)| flow)
    }

    /// A number of the lines' files by which the same line is reached in the same language as by `number`, which is a caller's
    /// text. `None`: none is known.
    #[must_use]
    pub fn known_number(&self, number: &str) -> Option<&str> {
        let flow = self.dialled(number);
        let language = flow.language_of(number);
        let mut named = flow.dialled.iter().map(DialledNumber::as_str).chain([&*flow.name, "12333", "99999"]);
        named.find(|named| {
            let is_number = named.bytes().all(|b| b.is_ascii_digit());
            is_number && Arc::ptr_eq(self.dialled(named), flow) && flow.language_of(named) == language
        })
    }

    /// Every wording, as replies take it along.
    #[must_use]
    pub fn wording(&self) -> &Catalogs {
        &self.catalogs
    }

    /// Every wording.
    #[must_use]
    pub fn catalogs(&self) -> Vec<&Catalog> {
        self.catalogs.iter().collect()
    }

    /// Wording that nothing says. No fault: a line may be taken out, or be written next. But perhaps a slip of the pen in
    /// an id.
    #[must_use]
    pub fn unsaid(&self) -> Vec<Fault> {
        let mut unsaid = Vec::new();
        for catalog in &self.catalogs {
            let tag = catalog.language().tag();
            let source = self.sources.wordings.iter().find(|s| s.about().language.as_deref() == Some(tag));
            let source = source.map_or_else(|| format!("{tag}/{WORDING}"), Source::shown);
            let said: HashSet<_> = self.flows.iter().flat_map(|flow| flow.prompts()).collect();
            let mut ids: Vec<_> = catalog.menu_prompts().filter(|id| !said.contains(id)).collect();
            if !ids.is_empty() {
                ids.sort_unstable();
                let problem = format!("no line says {}", ids.join(", "));
                unsaid.push(Fault::of(&source, problem, "name them in a line, or take them out"));
            }
        }
        unsaid.sort_by(|a, b| a.source.cmp(&b.source));
        unsaid
    }
}

fn files(directory: &Path, faults: &mut Vec<Fault>) -> Vec<Source> {
    let shown = directory.display().to_string();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(e) => {
            faults.push(Fault::of(
                &shown,
                format!("cannot be read: {e}"),
                "run from the project's folder, or set lines.directory",
            ));
            return Vec::new();
        }
    };
    let mut paths: Vec<_> =
        entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    paths.sort();
    if paths.is_empty() {
        faults.push(Fault::of(&shown, "holds no line", "add a file such as 12333.toml"));
    }
    paths.iter().filter_map(|path| read(path, faults)).collect()
}

fn wordings(directory: &Path, faults: &mut Vec<Fault>) -> Vec<Source> {
    let (mut found, before) = (Vec::new(), faults.len());
    for language in Language::ALL {
        let path = directory.join(language.tag()).join(WORDING);
        if path.exists() {
            found.extend(read(&path, faults));
        }
    }
    if found.is_empty() && faults.len() == before {
        let shown = directory.display().to_string();
        faults.push(Fault::of(&shown, "holds no wording", "run from the project's folder, or set prompts.directory"));
    }
    found
}

fn read(path: &Path, faults: &mut Vec<Fault>) -> Option<Source> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(Source { path: path.to_owned(), text }),
        Err(e) => {
            let source = path.display().to_string();
            faults.push(Fault::of(&source, format!("cannot be read: {e}"), "make it a readable file in UTF-8"));
            None
        }
    }
}

/// Two lines that one call would reach.
fn collisions(flows: &[(String, Arc<Flow>)], faults: &mut Vec<Fault>) {
    for (n, (source, flow)) in flows.iter().enumerate() {
        for (other_source, other) in flows.iter().take(n) {
            if flow.name == other.name {
                faults.push(Fault::of(
                    source,
                    format!("the name \"{}\" is taken by {other_source}", flow.name),
                    "name each line once",
                ));
            }
            if let Some(number) = flow.dialled.iter().find(|d| other.dialled.contains(d)) {
                faults.push(Fault::of(
                    source,
                    format!("the number {} reaches {other_source} too", number.as_str()),
                    "let each number reach one line",
                ));
            }
            if flow.takes_any_number() && other.takes_any_number() {
                faults.push(Fault::of(
                    source,
                    format!("{other_source} takes every other number too"),
                    "write \"*\" under dialled in one line only",
                ));
            }
        }
    }
}
