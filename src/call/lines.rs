//! The lines in force and the languages they speak, as one piece: taken together after a full check.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;

use crate::dialog::explore::{Exploration, Finding, explore};
use crate::dialog::{Flow, Holidays};
use crate::fault::{Fault, Faults};
use crate::speech::catalog::Catalog;
use crate::speech::language::Language;

/// Every line, and every language.
#[derive(Debug)]
pub struct Lines {
    flows: Vec<Arc<Flow>>,
    catalogs: HashMap<Language, Arc<Catalog>>,
    first: Arc<Flow>,
    fallback: Arc<Catalog>,
}

impl Lines {
    /// Reads every `*.toml` of `lines`, every `<language>/prompts.toml` of `prompts`, and every `*.toml` of `holidays`, which
    /// need not be there while no line names any.
    ///
    /// # Errors
    /// Every fault of every file at once.
    pub fn load(lines: &Path, prompts: &Path, holidays: &Path) -> Result<Self, Faults> {
        let mut faults = Vec::new();
        let holidays = calendars(holidays, &mut faults);
        let mut catalogs = HashMap::new();
        for (source, text) in wordings(prompts, &mut faults) {
            match Catalog::parse(&source, &text) {
                Ok(catalog) => {
                    catalogs.insert(catalog.language(), Arc::new(catalog));
                }
                Err(found) => faults.extend(found.0),
            }
        }
        let spoken: Vec<&Catalog> = catalogs.values().map(AsRef::as_ref).collect();
        let mut flows = Vec::new();
        // Without wording every prompt of every line would be a fault: those of the wording come first.
        if faults.is_empty() {
            for (source, text) in files(lines, &mut faults) {
                match Flow::parse(&source, &text, &spoken, &holidays) {
                    Ok(flow) => flows.push((source, Arc::new(flow))),
                    Err(found) => faults.extend(found.0),
                }
            }
            collisions(&flows, &mut faults);
        }
        if faults.is_empty() {
            unused(&flows, &catalogs, prompts, &mut faults);
        }
        let flows: Vec<_> = flows.into_iter().map(|(_, flow)| flow).collect();
        let first = flows.iter().find(|f| f.takes_any_number()).or(flows.first()).cloned();
        let fallback = first.as_ref().and_then(|f| catalogs.get(f.languages.first()?)).cloned();
        match (first, fallback) {
            (Some(first), Some(fallback)) if faults.is_empty() => Ok(Self { flows, catalogs, first, fallback }),
            _ => Err(Faults(faults)),
        }
    }

    /// What a walk found on `flow`, as a fault of its file. A file that loads cannot bring a caller where none may get: the
    /// walk guards the code, so `check` and the tests take it, and a start does not wait for it.
    #[must_use]
    pub fn fault(flow: &Flow, found: &Finding) -> Fault {
        let remedy = "report it; until it is mended, change the menus on that path";
        Fault::of(&format!("line {}", flow.name), format!("a caller can get where none may: {found}"), remedy)
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

    /// The line that the dialled number reaches. Platforms write one number in many ways (`+861012333`, `sip:12333@…`), so
    /// a line's number counts when the dialled one ends with it.
    #[must_use]
    pub fn dialled(&self, number: &str) -> &Arc<Flow> {
        let user = number.trim_start_matches("sip:").split('@').next().unwrap_or_default();
        let digits = user.trim_start_matches('+');
        let longest = self
            .flows
            .iter()
            .flat_map(|f| f.dialled.iter().map(move |n| (n, f)))
            .filter(|(n, _)| digits.ends_with(&***n));
        longest.max_by_key(|(n, _)| n.len()).map_or(&self.first, |(_, flow)| flow)
    }

    /// The wording of `language`.
    #[must_use]
    pub fn catalog(&self, language: Language) -> &Arc<Catalog> {
        self.catalogs.get(&language).unwrap_or(&self.fallback)
    }

    /// Every wording.
    #[must_use]
    pub fn catalogs(&self) -> Vec<&Catalog> {
        self.catalogs.values().map(AsRef::as_ref).collect()
    }
}

fn calendars(directory: &Path, faults: &mut Vec<Fault>) -> Vec<Arc<Holidays>> {
    let mut found = Vec::new();
    if !directory.exists() {
        return found;
    }
    for (source, text) in files(directory, faults) {
        let name = Path::new(&source).file_stem().unwrap_or_default().to_string_lossy();
        match Holidays::parse(&name, &source, &text) {
            Ok(holidays) => found.push(Arc::new(holidays)),
            Err(of_file) => faults.extend(of_file.0),
        }
    }
    found
}

fn files(directory: &Path, faults: &mut Vec<Fault>) -> Vec<(String, String)> {
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

fn wordings(directory: &Path, faults: &mut Vec<Fault>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for language in Language::ALL {
        let path = directory.join(language.tag()).join("prompts.toml");
        if path.exists() {
            found.extend(read(&path, faults));
        }
    }
    if found.is_empty() && faults.is_empty() {
        let shown = directory.display().to_string();
        faults.push(Fault::of(&shown, "holds no wording", "run from the project's folder, or set prompts.directory"));
    }
    found
}

fn read(path: &Path, faults: &mut Vec<Fault>) -> Option<(String, String)> {
    let source = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Some((source, text)),
        Err(e) => {
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
                    format!("the number {number} reaches {other_source} too"),
                    "let each number reach one line",
                ));
            }
            if flow.card_rule() != other.card_rule() {
                faults.push(Fault::of(
                    source,
                    format!("{other_source} keys card numbers in another way"),
                    "write the same card_rule in every line: members are found by one form of their card number",
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

/// Wording that nothing says: a slip of the pen in an id, most likely.
fn unused(
    flows: &[(String, Arc<Flow>)],
    catalogs: &HashMap<Language, Arc<Catalog>>,
    prompts: &Path,
    faults: &mut Vec<Fault>,
) {
    for catalog in catalogs.values() {
        for id in catalog.menu_prompts() {
            if !flows.iter().any(|(_, flow)| flow.prompts().any(|p| p == id)) {
                let source = prompts.join(catalog.language().tag()).join("prompts.toml").display().to_string();
                faults.push(Fault::of(
                    &source,
                    format!("no line says the prompt \"{id}\""),
                    "name it in a line, or take it out",
                ));
            }
        }
    }
}
