//! What must pass: ordinary values, tens of thousands of them, and those that look like keys on purpose.

use keyguard::Guard;

use crate::business::value;
use crate::common::Random;

const VALUES: usize = 64_000;

#[test]
fn one_in_a_thousand_at_most_is_taken_for_a_secret() {
    let guard = Guard::new();
    let mut random = Random::seeded(7);
    let mut taken = Vec::new();
    for _ in 0..VALUES {
        let (name, value) = value(&mut random);
        if let Some(finding) = guard.first(&value, Some(name)) {
            taken.push(format!("{name}: {} in {value}", finding.detector));
        }
    }
    assert!(
        taken.len() * 1000 <= VALUES,
        "{} of {VALUES}:\n{}",
        taken.len(),
        taken.join("\n")
    );
}

#[test]
fn words_that_begin_like_keys_pass() {
    let guard = Guard::new();
    for text in [
        "task-0f8fad5bd9cb469fa16570867728950e",
        "desk-0f8fad5bd9cb469fa16570867728950e",
        "disk-0f8fad5bd9cb469fa16570867728950e",
        "sk-learn-pipeline-for-text-classification-2024",
        "re_engagement_campaign_2024_summer_sale_for_all",
        "live_chat_widget_settings_for_the_german_market_2",
        "test_environment_configuration_of_the_shop_2026",
        "key-account-management-for-northern-europe-2026",
        "secret_santa_2026_gift_exchange_of_the_company",
        "api-documentation-of-the-second-version-2026",
        "sdk-migration-guide-from-version-2-to-version-3",
        "SG.Engineering.Team.Platform",
        "pat_the_dog_and_walk_with_it_every_morning_2026",
        "hf_hub_download_progress_bar_disabled",
        "xoxb-your-token",
        "Bearer <token>",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
        "-----BEGIN PGP MESSAGE-----\n\nhQEMA9v\n-----END PGP MESSAGE-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "https://user@example.com/path",
        "https://example.com:8443/@handle",
        "postgres://app:${DB_PASSWORD}@db.internal/app",
        "postgres://app:****@db.internal/app",
        "postgres://app:<password>@db.internal/app",
        "postgres://app:{{ password }}@db.internal/app",
        "postgres://postgres:postgres@localhost/app",
        "mailto:someone@example.com?subject=a:b@c",
        "AKIAIOSFODNN7EXAMPLE",
        "token_type=bearer&expires_in=3600",
        "api_key=${API_KEY}&secret={{secret}}",
        "password: correct-horse-battery-staple",
    ] {
        assert_eq!(guard.first(text, None), None, "{text}");
    }
}
