//! Settings with which Asterisk could not speak, or would let nobody in: the hotline says so and does not start.

use crate::support::served::Setup;

#[track_caller]
fn faults(settings: &[(&str, &str)], expected: &str) {
    let setup = settings.iter().fold(Setup::new(), |setup, (name, value)| setup.env(name, value));
    let output = setup.command(&["check"]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!output.status.success() && said.contains(expected), "{said}");
}

#[test]
fn a_folder_that_agi_does_not_have_is_told() {
    let told = |setup: Setup| {
        let setup =
            setup.env("ASTERISK__AGI_LISTEN", "127.0.0.1:4573").env("ASTERISK__AGI_ADDRESSES", "[\"127.0.0.1\"]");
        let output = setup.command(&["check"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).contains(
            "line 12333: on FastAGI nothing is recorded, so whoever leaves a message there hears that nothing was; \
             agi_recordings under [asterisk] would say where to",
        )
    };
    assert!(told(Setup::new()));
    assert!(!told(Setup::new().env("ASTERISK__AGI_RECORDINGS", "/var/lib/hotline")));
}

#[test]
fn what_could_not_be_is_told() {
    let password = ("ASTERISK__PASSWORD", "0123456789abcdef");
    let everywhere = [("SERVER__LISTEN", "0.0.0.0:8080"), ("SERVER__PUBLIC_URL", ""), password];
    faults(&everywhere, "asterisk.media_url: is where nothing can be fetched from");
    let connects = ("ASTERISK__CONNECT_TO", "http://127.0.0.1:8088/ari");
    faults(&[connects], "asterisk.connect_password: is empty");
    let with_user = ("ASTERISK__CONNECT_TO", "http://hotline:secret@127.0.0.1:8088/ari");
    faults(
        &[with_user, ("ASTERISK__CONNECT_PASSWORD", "secret")],
        "asterisk.connect_to: has a user or a password in it",
    );
}
