//! Ordinary values as business databases hold them, with the names of their columns.

use crate::common::{
    ALNUM, BASE64, BASE64URL, DIGITS, HEX, LOWER, LOWER_ALNUM, Random, UPPER, uuid,
};

const WORDS: [&str; 48] = [
    "account",
    "active",
    "beta",
    "blue",
    "campaign",
    "checkout",
    "company",
    "customer",
    "dark",
    "delivery",
    "desk",
    "disk",
    "draft",
    "email",
    "engagement",
    "export",
    "garden",
    "green",
    "house",
    "import",
    "invoice",
    "large",
    "launch",
    "learn",
    "light",
    "live",
    "market",
    "mask",
    "model",
    "monthly",
    "order",
    "payment",
    "pipeline",
    "premium",
    "product",
    "public",
    "red",
    "report",
    "sale",
    "secret",
    "shop",
    "small",
    "summer",
    "task",
    "test",
    "user",
    "widget",
    "winter",
];

const SENTENCES: [&str; 14] = [
    "The customer asked for a refund and we agreed to send it by Friday.",
    "Please reset your password before the token expires; the key is under the mat.",
    "Die Lieferung verzögert sich um zwei Tage, der Kunde wurde informiert.",
    "Geänderte Öffnungszeiten: Mo-Fr 9:00-17:30, Sa 10:00-14:00.",
    "La commande n° 4711 a été expédiée le 3 mars à 14h05.",
    "El cliente pagó con tarjeta; número de pedido: 2026-000431.",
    "请在星期五之前确认订单,谢谢。",
    "Заказ отправлен, номер отслеживания будет позже.",
    "注文は明日発送されます。ご確認ください。",
    "تم تأكيد الطلب وسيتم الشحن غدا",
    "Meeting notes: ship v2.14.0, re-test the sk-learn pipeline, ask-me-anything at 5pm.",
    "Total: 1,234.56 EUR (incl. 19% VAT) = 1,037.44 EUR + 197.12 EUR.",
    "SELECT id, api_key_id FROM integrations WHERE status = 'active' ORDER BY created_at",
    "def token_count(text: str) -> int: return len(text.split())  # key: value",
];

fn slug(random: &mut Random, separator: &str) -> String {
    let count = 2 + random.below(5);
    let mut words: Vec<String> = (0..count).map(|_| random.pick(&WORDS).to_owned()).collect();
    if random.below(3) == 0 {
        words.push((2000 + random.below(40)).to_string());
    }
    if random.below(4) == 0 {
        words.push(format!("v{}", random.below(12)));
    }
    words.join(separator)
}

fn date(random: &mut Random) -> String {
    format!(
        "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        random.below(40),
        1 + random.below(12),
        1 + random.below(28),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(1000)
    )
}

/// The name of a column and a value in it.
pub fn value(random: &mut Random) -> (&'static str, String) {
    match random.below(64) {
        0 => ("id", uuid(random)),
        1 => ("external_id", uuid(random).to_uppercase()),
        2 => ("checksum", random.text(HEX, 32)),
        3 => ("content_hash", random.text(HEX, 64)),
        4 => ("git_sha", random.text(HEX, 40)),
        5 => ("image", format!("sha256:{}", random.text(HEX, 64))),
        6 => ("slug", slug(random, "-")),
        7 => ("css_class", slug(random, "_")),
        8 => (
            "feature",
            format!("{}.{}", slug(random, "_"), random.below(100)),
        ),
        9 => ("note", random.pick(&SENTENCES).to_owned()),
        10 => (
            "email",
            format!(
                "{}.{}@{}.com",
                random.pick(&WORDS),
                random.text(LOWER, 6),
                random.pick(&WORDS)
            ),
        ),
        11 => (
            "url",
            format!(
                "https://www.{}.com/{}?page={}&sort=asc",
                random.pick(&WORDS),
                slug(random, "-"),
                random.below(99)
            ),
        ),
        12 => (
            "phone",
            format!("+49 {} {}", random.text(DIGITS, 3), random.text(DIGITS, 8)),
        ),
        13 => ("iban", format!("DE{}", random.text(DIGITS, 20))),
        14 => (
            "path",
            format!("/var/lib/{}/{}.json", slug(random, "/"), slug(random, "_")),
        ),
        15 => ("created_at", date(random)),
        16 => (
            "amount",
            format!("{}.{}", random.below(100_000), random.text(DIGITS, 2)),
        ),
        17 => (
            "order_number",
            format!("ORD-{}-{}", random.text(DIGITS, 4), random.text(UPPER, 6)),
        ),
        18 => (
            "stripe_customer_id",
            format!("cus_{}", random.text(ALNUM, 14)),
        ),
        19 => (
            "payment_intent_id",
            format!("pi_{}", random.text(ALNUM, 24)),
        ),
        20 => ("refund_id", format!("re_{}", random.text(ALNUM, 24))),
        21 => ("account_id", format!("acct_{}", random.text(ALNUM, 16))),
        22 => ("price_id", format!("price_{}", random.text(ALNUM, 24))),
        23 => (
            "checkout_session_id",
            format!("cs_test_{}", random.text(ALNUM, 58)),
        ),
        24 => (
            "publishable_key",
            format!("pk_live_{}", random.text(ALNUM, 99)),
        ),
        25 => (
            "gid",
            format!("gid://shopify/Product/{}", random.text(DIGITS, 13)),
        ),
        26 => ("organization", format!("org-{}", random.text(ALNUM, 24))),
        27 => ("thread_id", format!("thread_{}", random.text(ALNUM, 24))),
        28 => ("response_id", format!("resp_{}", random.text(HEX, 48))),
        29 => (
            "completion_id",
            format!("chatcmpl-{}", random.text(ALNUM, 29)),
        ),
        30 => ("user_id", format!("user_{}", random.text(ALNUM, 27))),
        31 => ("ulid", random.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26)),
        32 => ("nanoid", random.text(BASE64URL, 21)),
        33 => ("playback_id", random.text(ALNUM, 44)),
        34 => (
            "channel",
            format!(
                "C0{}",
                random.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 9)
            ),
        ),
        35 => ("message_sid", format!("SM{}", random.text(HEX, 32))),
        36 => ("session_id", random.text(LOWER_ALNUM, 32)),
        37 => ("session", random.text(BASE64URL, 43)),
        38 => (
            "avatar",
            format!("data:image/png;base64,{}==", random.text(BASE64, 2048)),
        ),
        39 => ("thumbnail", random.text(BASE64, 800)),
        40 => (
            "password_hash",
            format!("$2b$12${}", random.text(ALNUM, 53)),
        ),
        41 => (
            "password",
            format!(
                "$argon2id$v=19$m=65536,t=3,p=4${}${}",
                random.text(BASE64, 22),
                random.text(BASE64, 43)
            ),
        ),
        42 => (
            "model",
            random
                .pick(&[
                    "gpt-4o-mini-2024-07-18",
                    "claude-sonnet-4-20250514",
                    "text-embedding-3-large",
                ])
                .to_owned(),
        ),
        43 => (
            "version",
            format!(
                "{}.{}.{}-rc.{}",
                random.below(20),
                random.below(50),
                random.below(50),
                random.below(9)
            ),
        ),
        44 => (
            "user_agent",
            format!(
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{}.0.0.0",
                90 + random.below(50)
            ),
        ),
        45 => (
            "ip",
            format!(
                "{}.{}.{}.{}",
                random.below(256),
                random.below(256),
                random.below(256),
                random.below(256)
            ),
        ),
        46 => ("ref", format!("vault://credential/{}", uuid(random))),
        47 => (
            "secret_arn",
            format!(
                "arn:aws:secretsmanager:eu-west-1:{}:secret:{}-{}",
                random.text(DIGITS, 12),
                slug(random, "-"),
                random.text(ALNUM, 6)
            ),
        ),
        48 => (
            "config",
            format!(
                "{{\"theme\":\"{}\",\"id\":\"{}\",\"retries\":{}}}",
                slug(random, "-"),
                uuid(random),
                random.below(9)
            ),
        ),
        49 => (
            "tracking_number",
            format!(
                "1Z{}",
                random.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 16)
            ),
        ),
        50 => ("next_page_token", random.text(BASE64URL, 60)),
        51 => ("idempotency_key", uuid(random)),
        52 => ("etag", format!("W/\"{}\"", random.text(HEX, 32))),
        53 => ("event_id", format!("evt_{}", random.text(ALNUM, 24))),
        54 => ("cursor", format!("{}==", random.text(BASE64, 42))),
        55 => (
            "public_key",
            format!(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} {}@host",
                random.text(BASE64, 43),
                random.pick(&WORDS)
            ),
        ),
        56 => (
            "s3_key",
            format!(
                "uploads/{}/{}/{}.pdf",
                uuid(random),
                date(random),
                slug(random, "-")
            ),
        ),
        57 => (
            "sku",
            format!(
                "{}-{}-{}",
                random.text(UPPER, 3),
                random.text(DIGITS, 5),
                random.pick(&["XS", "S", "M", "L"])
            ),
        ),
        58 => (
            "dsn",
            format!(
                "https://{}@o{}.ingest.sentry.io/{}",
                random.text(HEX, 32),
                random.text(DIGITS, 6),
                random.text(DIGITS, 7)
            ),
        ),
        59 => (
            "coupon",
            format!(
                "{}{}",
                random.pick(&WORDS).to_uppercase(),
                random.text(DIGITS, 2)
            ),
        ),
        60 => (
            "payload",
            format!(
                "{}={}&{}={}",
                random.pick(&WORDS),
                slug(random, "+"),
                random.pick(&WORDS),
                random.below(1000)
            ),
        ),
        61 => (
            "log",
            format!(
                "{} INFO request_id={} status=200 took={}ms",
                date(random),
                uuid(random),
                random.below(900)
            ),
        ),
        62 => (
            "job",
            format!("live_chat_{}_{}", slug(random, "_"), random.below(10)),
        ),
        _ => (
            "address",
            format!(
                "{} {} Street, Apt {}, {}",
                random.below(999),
                random.pick(&WORDS),
                random.below(40),
                random.text(DIGITS, 5)
            ),
        ),
    }
}
