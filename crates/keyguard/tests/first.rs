use keyguard::Guard;

#[test]
fn a_key_is_found_bare_and_in_json() {
    let guard = Guard::new();
    let key = format!("sk_{}_{}", "live", "51H8aZrKq0PmX3vY7bTc2Wd9");
    assert_eq!(
        guard.first(&key, None).unwrap().detector,
        "stripe_secret_key"
    );
    let document = format!("{{\"a\":[1,{{\"odd key\":\"x {key}.\"}}]}}");
    let mut paths = Vec::new();
    guard.json(&document, None, &mut |path, finding| {
        paths.push((path.to_string(), finding.start));
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(paths, [("$.a[1].\"odd key\"".to_owned(), 2)]);
    assert!(guard.first(&format!("task-{key}"), None).is_none());
    assert!(
        guard
            .first("0f8fad5bd9cb469fa16570867728950e", Some("api_key"))
            .is_some()
    );
    assert!(
        guard
            .first("0f8fad5bd9cb469fa16570867728950e", Some("content_hash"))
            .is_none()
    );
}
