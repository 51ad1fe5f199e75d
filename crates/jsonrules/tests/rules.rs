//! What is a schema, what breaks it, and what is said of that.

use std::fs;
use std::time::Duration;

use jsonrules::{
    BREACHES_MAX, Breach, DEPTH_MAX, JSON_MAX_BYTES, PATTERNS_MAX, Rules, SchemaError, TOLD_MAX,
    WORK_MAX,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn rules(schema: Value) -> Rules {
    Rules::parse(schema.to_string().as_bytes()).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn refused(schema: Value) -> SchemaError {
    match Rules::parse(schema.to_string().as_bytes()) {
        Ok(_) => panic!("{schema} was taken"),
        Err(error) => error,
    }
}

fn breaches(rules: &Rules, value: Value) -> Vec<(String, String)> {
    let told = rules.breaches(value.to_string().as_bytes());
    told.into_iter()
        .map(|Breach { path, rule }| (path, rule))
        .collect()
}

#[test]
fn a_breach_says_where_and_which_rule() {
    let rules = rules(json!({
        "type": "object",
        "properties": {"n": {"$ref": "#/$defs/small"}, "s": {"type": "string", "pattern": "^a+$"}, "k": {"enum": ["x", "y"]}},
        "required": ["n"],
        "$defs": {"small": {"type": "integer", "maximum": 9}},
    }));
    assert_eq!(
        breaches(&rules, json!({"n": 9, "s": "aa", "k": "y", "more": 1})),
        []
    );
    let told = breaches(&rules, json!({"n": 10, "s": "b", "k": "z"}));
    assert_eq!(
        told,
        [
            (
                "/k".to_owned(),
                "value is not one of \"x\" or \"y\"".to_owned()
            ),
            (
                "/n".to_owned(),
                "value is greater than the maximum of 9".to_owned()
            ),
            ("/s".to_owned(), "value does not match \"^a+$\"".to_owned()),
        ]
    );
    assert_eq!(
        breaches(&rules, json!({})),
        [(String::new(), "\"n\" is a required property".to_owned())]
    );
    assert_eq!(
        breaches(&rules, json!([])),
        [(String::new(), "value is not of type \"object\"".to_owned())]
    );
}

/// What stands in the wrong place may be a secret, also as the name of a member.
#[test]
fn no_breach_repeats_a_value() {
    for secret in [
        "s3cret-Value-that-is-in-the-wrong-place-0123456789",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    ] {
        no_breach_repeats(secret);
    }
}

fn no_breach_repeats(secret: &str) {
    let schemas = [
        json!({"additionalProperties": false}),
        json!({"propertyNames": {"maxLength": 3}}),
        json!({"propertyNames": {"pattern": "^a$"}}),
        json!({"additionalProperties": {"type": "integer"}}),
        json!({"additionalProperties": {"enum": [1]}}),
        json!({"additionalProperties": {"const": 1}}),
        json!({"additionalProperties": {"format": "date"}}),
        json!({"additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}),
        json!({"additionalProperties": {"oneOf": [{"type": "integer"}, {"type": "null"}]}}),
        json!({"additionalProperties": {"oneOf": [{}, {}]}}),
        json!({"additionalProperties": {"not": {}}}),
        json!({"additionalProperties": false}),
        json!({"additionalProperties": {"maxLength": 1}}),
        json!({"additionalProperties": {"contentEncoding": "base64"}}),
        json!({"minProperties": 9}),
        json!({"dependentRequired": {secret: ["other"]}}),
        json!({"patternProperties": {"^s": {"pattern": "^x"}}}),
    ];
    for schema in schemas {
        let own = schema.to_string().contains(secret);
        for breach in rules(schema.clone()).breaches(json!({secret: secret}).to_string().as_bytes())
        {
            let text = format!("{} {}", breach.path, breach.rule);
            assert!(own || !text.contains(&secret[..16]), "{schema}: {text}");
        }
    }
}

#[test]
fn a_schema_leads_nowhere_but_into_its_own_definitions() {
    for reference in [
        json!("https://example.com/schema.json"),
        json!("file:///etc/passwd"),
        json!("other.json"),
        json!("#"),
        json!("#/"),
        json!("#/properties/a"),
        json!("#/$defs/none"),
        json!("#/$defs/"),
        json!("#/$defs/a~1b"),
        json!("#/$defs/a/b"),
        json!("#anchor"),
        json!(""),
        json!(1),
        json!(null),
        json!("https://json-schema.org/draft/2020-12/schema"),
    ] {
        let schema = json!({"properties": {"a": {"$ref": reference}}, "$defs": {"a": {}}});
        assert_eq!(refused(schema), SchemaError::Reference, "{reference}");
    }
    for name in [
        "$id",
        "$anchor",
        "$dynamicRef",
        "$dynamicAnchor",
        "$recursiveRef",
        "$vocabulary",
        "id",
        "unevaluatedItems",
        "unevaluatedProperties",
    ] {
        let inside = refused(json!({"properties": {"a": {name: "https://example.com/x"}}}));
        assert_eq!(inside, SchemaError::Forbidden(name));
    }
    for schema in [
        json!("http://json-schema.org/draft-07/schema#"),
        json!("https://example.com"),
        json!(1),
    ] {
        assert_eq!(refused(json!({"$schema": schema})), SchemaError::Dialect);
    }
    let own = json!("https://json-schema.org/draft/2020-12/schema");
    rules(json!({"$schema": own}));
    assert_eq!(
        refused(json!({"items": {"$schema": own}})),
        SchemaError::Dialect
    );
}

#[test]
fn references_do_not_go_in_circles_and_do_not_explode() {
    let itself = json!({"$defs": {"a": {"$ref": "#/$defs/a"}}});
    assert_eq!(refused(itself), SchemaError::Circle);
    let deeper = json!({"$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}});
    assert_eq!(refused(deeper), SchemaError::Circle);
    let mut definitions = json!({"d0": {"type": "integer"}});
    for i in 1..40 {
        let below = json!({"$ref": format!("#/$defs/d{}", i - 1)});
        definitions[format!("d{i}")] = json!({"allOf": [below, below]});
    }
    assert_eq!(
        refused(json!({"$defs": definitions})),
        SchemaError::TooLarge
    );
    // Nor do they stand on one another until the stack is full.
    let tower = |height: u64| {
        let mut definitions = json!({"d0": {"type": "integer"}});
        for i in 1..height {
            definitions[format!("d{i}")] = json!({"$ref": format!("#/$defs/d{}", i - 1)});
        }
        json!({"$ref": format!("#/$defs/d{}", height - 1), "$defs": definitions})
    };
    assert_eq!(refused(tower(1000)), SchemaError::TooLarge);
    let high = rules(tower(DEPTH_MAX / 2));
    assert_eq!(breaches(&high, json!("x")).len(), 1);
}

#[test]
fn what_is_no_schema_is_refused() {
    for text in ["", "null", "true", "[]", "{", "{}{}"] {
        assert_eq!(
            Rules::parse(text.as_bytes()).unwrap_err(),
            SchemaError::NotJson,
            "{text}"
        );
    }
    for schema in [
        json!({"type": "nothing"}),
        json!({"properties": 1}),
        json!({"pattern": "(a"}),
        json!({"pattern": "(?=a)b"}),
        json!({"pattern": "(a)\\1"}),
        json!({"pattern": "(a{1,1000}){1,1000}"}),
        json!({"format": "none-such"}),
        json!({"minLength": -1}),
        json!({"required": "a"}),
        json!({"items": {"type": 1}}),
    ] {
        assert!(
            matches!(refused(schema.clone()), SchemaError::NotASchema { .. }),
            "{schema}"
        );
    }
    let long = format!("{{\"description\": \"{}\"}}", "a".repeat(JSON_MAX_BYTES));
    assert_eq!(
        Rules::parse(long.as_bytes()).unwrap_err(),
        SchemaError::TooLong
    );
    let deep = format!("{}{{}}{}", "{\"items\":".repeat(200), "}".repeat(200));
    assert_eq!(
        Rules::parse(deep.as_bytes()).unwrap_err(),
        SchemaError::NotJson
    );
}

#[test]
fn values_have_bounds() {
    let any = rules(json!({}));
    let long = json!("a".repeat(JSON_MAX_BYTES)).to_string();
    assert!(any.breaches(long.as_bytes())[0].rule.contains("65536"));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for text in [deep.as_str(), "1e999", "nonsense", ""] {
        assert_eq!(any.breaches(text.as_bytes()).len(), 1, "{text}");
    }
    let none = rules(json!({"items": {"type": "string"}}));
    let many = json!((0..1000).collect::<Vec<_>>());
    assert_eq!(breaches(&none, many).len(), BREACHES_MAX);
}

/// A backtracking matcher would take the age of the universe.
/// A form for each part of the schema, each of which has something to say of each element: what is said of them all would
/// not fit into the server's memory.
#[test]
fn what_is_said_of_a_value_does_not_grow_with_what_could_be_said() {
    let forms = |count: usize| vec![json!({"items": {"type": "string"}}); count];
    let elements = |count: usize| Value::Array(vec![json!(1); count]);
    let few = rules(json!({"anyOf": forms(10)}));
    let told = breaches(&few, elements(10));
    assert_eq!(told[0].1, "fits none of the forms that the schema knows");
    let many = rules(json!({"anyOf": forms(1000)}));
    assert!(breaches(&many, json!("no array")).is_empty());
    let told = breaches(&many, elements(1000));
    assert!(
        told[0].1.contains("too many parts to say where"),
        "{told:?}"
    );
    let told = breaches(&many, elements(20_000));
    assert!(told[0].1.contains("too many parts for its"), "{told:?}");
    const { assert!(TOLD_MAX < 3000 * 1000 && WORK_MAX > 3100 * 1000 && WORK_MAX < 3000 * 20_000) };
}

#[test]
fn patterns_are_few_also_by_reference() {
    let most = usize::try_from(PATTERNS_MAX).unwrap();
    let patterns = |count: usize| vec![json!({"pattern": "a"}); count];
    rules(json!({"allOf": patterns(most)}));
    assert_eq!(
        refused(json!({"allOf": patterns(most + 1)})),
        SchemaError::TooLarge
    );
    let names: serde_json::Map<_, _> = (0..=most).map(|i| (format!("^{i}$"), json!({}))).collect();
    assert_eq!(
        refused(json!({"patternProperties": names})),
        SchemaError::TooLarge
    );
    let twice = vec![json!({"$ref": "#/$defs/a"}); most / 2 + 1];
    let schema = json!({"allOf": twice, "$defs": {"a": {"allOf": patterns(2)}}});
    assert_eq!(refused(schema), SchemaError::TooLarge);
    // A property of that name is no pattern.
    let property = vec![json!({"properties": {"pattern": {"type": "string"}}}); most + 1];
    rules(json!({"allOf": property}));
}

#[test]
fn patterns_take_linear_time() {
    let slow = rules(json!({"pattern": "^(a+)+$"}));
    let before = processor_time();
    let value = json!(format!("{}b", "a".repeat(60_000)));
    assert_eq!(breaches(&slow, value).len(), 1);
    let took = processor_time() - before;
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// How long this thread was on a processor, whatever else the machine does.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let nanoseconds = stat.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("nanoseconds"))
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(schema: Vec<u8>, value: Vec<u8>) {
        let _ = Rules::parse(&schema).map(|rules| rules.breaches(&value));
    }

    #[test]
    fn no_parts_make_it_panic(
        schema in r#"\{("type":"(object|string|array)"|"\$ref":"\#/\$defs/a"|"\$defs":\{"a":\{\}\}|"pattern":"[a-z(|)*+?]{0,9}"|"items":\{\}|,){0,6}\}"#,
        value in r#"\{("[a-z]":"[a-z]*"|,|\[|\]|1){0,6}\}|"[a-z]{0,9}""#,
    ) {
        let _ = Rules::parse(schema.as_bytes()).map(|rules| rules.breaches(value.as_bytes()));
    }
}
