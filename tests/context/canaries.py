"""Random credentials in the formats of real ones, which belong to nobody.

They are put together as the tests run, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import random
import re
import string
import uuid
from collections.abc import Iterator
from typing import NamedTuple

ALPHABETS = {
    "an": string.ascii_letters + string.digits,
    "b64": string.ascii_letters + string.digits + "+/",
    "url": string.ascii_letters + string.digits + "_-",
    "hex": "0123456789abcdef",
    "low": string.ascii_lowercase + string.digits,
    "up": string.ascii_uppercase + string.digits,
    "b32": string.ascii_uppercase + "234567",
    "let": string.ascii_letters,
    "d": string.digits,
    "django": string.ascii_lowercase + string.digits + "!@#$%^&*(-_=+)",
}
# A shape's parts in braces are random: an alphabet of those above and a length.
PROVIDERS = {
    "1password": "A3-{up6}-{up11}-{up5}-{up5}-{up5}",
    "1password service": "ops_eyJ{b64300}",
    "adobe": "p8e-{low32}",
    "age": "AGE-SECRET-KEY-1{b3258}",
    "airtable": "pat{an14}.{hex64}",
    "alibaba": "LTAI{an20}",
    "amazon oauth": "amzn1.oa2-cs.v1.{hex64}",
    "anthropic": "sk-ant-api03-{url93}AA",
    "artifactory": "AKCp{an69}",
    "artifactory reference": "cmVmd{an59}",
    "atlassian": "ATATT3{url186}",
    "authress": "authress_{low20}.{low5}.acc_{low12}.{url60}",
    "aws": "AKIA{b3216}",
    "aws bedrock": "ABSK{b64120}",
    "aws temporary": "ASIA{b3216}",
    "azure client secret": "{an3}8Q~{url34}",
    "bitbucket": "ATBB{an32}",
    "buildkite": "bkua_{hex40}",
    "cerebras": "csk-{low48}",
    "circleci": "CCIPAT_{an22}_{hex40}",
    "clickhouse": "4b1d{an38}",
    "clojars": "CLOJARS_{low60}",
    "cloudflare origin": "v1.0-{hex24}-{hex146}",
    "contentful": "CFPAT-{url43}",
    "crates": "cio{an32}",
    "databricks": "dapi{hex32}",
    "defined networking": "dnkey-{low26}-{low52}",
    "digital ocean": "dop_v1_{hex64}",
    "discord": "MTI{an21}.{url6}.{url38}",
    "docker hub": "dckr_pat_{url27}",
    "doppler": "dp.pt.{an43}",
    "dropbox": "sl.{url135}",
    "dropbox newer": "sl.u.{url400}",
    "duffel": "duffel_live_{url43}",
    "dynatrace": "dt0c01.{up24}.{up64}",
    "easypost": "EZAK{an54}",
    "elevenlabs": "sk_{hex48}",
    "facebook": "EAAC{an160}",
    "figma": "figd_{url40}",
    "firebase messaging": "AAAA{url7}:APA91b{url134}",
    "flutterwave": "FLWSECK_TEST-{hex32}-X",
    "fly.io": "fo1_{url43}",
    "fly.io macaroon": "fm2_{b64200}",
    "frame.io": "fio-u-{url64}",
    "github": "ghp_{an36}",
    "github app": "ghs_{an36}",
    "github fine grained": "github_pat_{an22}_{an59}",
    "gitlab": "glpat-{url20}",
    "gitlab routable": "glpat-{url27}.{low2}{low7}",
    "gitlab runner": "glrt-{url20}",
    "gitlab trigger": "glptt-{hex40}",
    "gocardless": "live_{url40}",
    "google": "AIza{url35}",
    "google access": "ya29.{url120}",
    "google oauth": "GOCSPX-{url28}",
    "grafana": "glsa_{an32}_{hex8}",
    "grafana cloud": "glc_{b64100}=",
    "groq": "gsk_{an52}",
    "harness": "pat.{url22}.{hex24}.{an20}",
    "heroku": "HRKU-AA{url58}",
    "hubspot": "pat-na1-{uuid}",
    "hugging face": "hf_{let34}",
    "infracost": "ico-{an32}",
    "intra42": "s-s4t2ud-{hex64}",
    "json web token": "eyJ{url30}.eyJ{url80}.{url43}",
    "json web token encoded": "ZXlK{an180}",
    "langfuse": "sk-lf-{uuid}",
    "langsmith": "lsv2_pt_{hex32}_{hex10}",
    "launchdarkly": "sdk-{uuid}",
    "linear": "lin_api_{an40}",
    "lob": "live_{hex35}",
    "mailgun": "key-{hex32}",
    "mandrill": "md-{an22}",
    "mapbox": "sk.eyJ{an60}.{an22}",
    "netlify": "nfp_{an36}",
    "new relic": "NRAK-{up27}",
    "new relic insert": "NRII-{url32}",
    "notion": "ntn_{d11}{an35}",
    "npm": "npm_{an36}",
    "nuget": "oy2{low43}",
    "octopus deploy": "API-{up26}",
    "okta": "00{url40}",
    "openai": "sk-proj-{url74}T3BlbkFJ{url74}",
    "openai older": "sk-{an20}T3BlbkFJ{an20}",
    "openrouter": "sk-or-v1-{hex64}",
    "openshift": "sha256~{url43}",
    "perplexity": "pplx-{an48}",
    "pinecone": "pcsk_{an5}_{an60}",
    "plaid": "access-sandbox-{uuid}",
    "planetscale": "pscale_tkn_{url43}",
    "planetscale password": "pscale_pw_{url43}",
    "posthog": "phx_{an43}",
    "postman": "PMAK-{hex24}-{hex34}",
    "prefect": "pnu_{an36}",
    "pulumi": "pul-{hex40}",
    "pypi": "pypi-AgEIcHlwaS5vcmc{url160}",
    "readme": "rdme_{low70}",
    "render": "rnd_{an32}",
    "replicate": "r8_{an37}",
    "resend": "re_{an8}_{an24}",
    "rubygems": "rubygems_{hex48}",
    "scalingo": "tk-us-{url48}",
    "sendgrid": "SG.{url22}.{url43}",
    "sendinblue": "xkeysib-{hex64}-{an16}",
    "sentry organisation": "sntrys_eyJpYXQiO{b64120}_{b6443}",
    "sentry user": "sntryu_{hex64}",
    "settlemint": "sm_pat_{an16}",
    "shippo": "shippo_live_{hex40}",
    "shopify": "shpat_{hex32}",
    "slack": "xoxb-{d12}-{d13}-{an24}",
    "slack app": "xapp-1-{up11}-{d13}-{hex64}",
    "slack configuration": "xoxe.xoxp-1-{up163}",
    "sonar": "sqp_{hex40}",
    "sourcegraph": "sgp_{hex16}_{hex40}",
    "square": "sq0csp-{url43}",
    "square access": "EAAA{url58}",
    "stripe": "sk_live_{an24}",
    "stripe restricted": "rk_live_{an99}",
    "stripe webhook": "whsec_{an32}",
    "supabase": "sbp_{hex40}",
    "supabase secret": "sb_secret_{url31}",
    "tailscale": "tskey-auth-{an12}CNTRL-{an32}",
    "telegram": "{d10}:AA{url33}",
    "terraform cloud": "{an14}.atlasv1.{url67}",
    "together": "tgp_v1_{url43}",
    "twilio": "SK{hex32}",
    "twitter": "AAAAAAAAAAAAAAAAAAAAAA{an30}%2B{an30}%3D{an20}",
    "typeform": "tfp_{url59}",
    "vault": "hvs.{url90}",
    "vault older": "s.{an24}",
    "vercel blob": "vercel_blob_rw_{an16}_{an30}",
    "woocommerce": "ck_{hex40}",
    "xai": "xai-{an80}",
    "yandex": "AQVN{url36}",
    "yandex storage": "YC{url38}",
}  # fmt: skip
# Keys of no shape of their own: only their names, or what stands around them, tell.
KEYS = {
    "aws secret": "{b6440}",
    "azure storage": "{b6486}==",
    "hexadecimal": "{hex32}",
    "letters and digits": "{an24}",
    "a name of a person's": "{uuid}",
    "mailchimp": "{hex32}-us12",
}
PASSWORDS = ("hunter2", "Tr0ub4dor&3", "s3cr3t-pw", "qwertyuiop", "pa$$w0rd!", "12345678", "Pa#ss/w0rd", "MyPassword123!", "p%40ssw0rd")  # fmt: skip
PASSPHRASES = ("correct horse battery staple", "abcd efgh ijkl mnop")


class Line(NamedTuple):
    """Code that sets something to `{}`; "" is any language."""

    language: str
    text: str


LINES_WITH_KEYS = (
    Line("", 'API_KEY = "{}"'), Line("", 'aws_secret_access_key="{}"'), Line("", "'apiKey': '{}',"),
    Line("", 'const clientSecret = "{}";'), Line("", 'String accessToken = "{}";'),
    Line("", '#define API_KEY "{}"'), Line("", "config.setApiKey(\"{}\");"), Line("", 'os.environ["API_TOKEN"] = "{}"'),
    Line("", '"{{\\"api_key\\": \\"{}\\"}}"'), Line("", '<add key="ApiKey" value="{}"/>'), Line("", "<secret>{}</secret>"),
    Line("", '<string name="api_key">{}</string>'), Line("", "curl -H 'X-Api-Key: {}' https://a.b"),
    Line("", 'SECRET_KEY = (\n    "{}"\n)'), Line("", "<key>ApiKey</key>\n<string>{}</string>"),
    Line("", 'conn = "Endpoint=sb://a.b/;SharedAccessKey={};EntityPath=c"'),
    Line("yaml", "api_key: {}"), Line("yaml", "- name: API_KEY\n  value: {}"), Line("yaml", "api_key: |\n  {}"), Line("properties", "client.secret={}"),
    Line("shellscript", "export API_TOKEN={}"), Line("dockerfile", "ENV API_KEY {}"), Line("dockerfile", "ENV API_KEY={}"),
    Line("json", '"accessToken": "{}"'), Line("json", '{{"name": "API_KEY", "value": "{}"}}'),
    Line("terraform", 'secret_key = "{}"'), Line("ini", "token = {}"), Line("toml", 'token = "{}"'),
    Line("ini", "PrivateKey = {}"), Line("go", 'var apiKey string = "{}"'), Line("rust", 'const API_KEY: &str = "{}";'),
    Line("", "Authorization: Bearer {}"), Line("", 'headers = {{"Authorization": "Bearer {}"}}'),
)  # fmt: skip
LINES_WITH_PASSWORDS = (
    Line("", 'password = "{}"'), Line("", 'PASSWORD = ("{}")'), Line("", 'PASSWORD = (\n    "{}"\n)'),
    Line("", '#define DB_PASSWORD "{}"'), Line("", "define('DB_PASSWORD', '{}');"), Line("", 'user.setPassword("{}");'),
    Line("", '.password("{}")'), Line("", "<password>{}</password>"), Line("", '<property name="password" value="{}"/>'),
    Line("", '<property name="password">{}</property>'), Line("", '<entry key="db.password">{}</entry>'),
    Line("", '<user name="a" password="{}"/>'), Line("", 'props["password"] = "{}"'), Line("", 'if (password == "{}") {{'),
    Line("", "DB_PASS = '{}'"), Line("", "auth: {{ user: 'me', pass: '{}' }}"), Line("", 'auth=("me", "{}")'),
    Line("", 'char password[] = "{}";'), Line("", 'Dim password As String = "{}"'), Line("", 'password := "{}"'), Line("", 'password <- "{}"'),
    Line("", ':password => "{}"'), Line("", '$password = "{}";'), Line("", 'let password: string = "{}"'), Line("", 'smtpPassword: "{}",'),
    Line("", '"{{\\"password\\": \\"{}\\"}}"'), Line("", "password = b'{}'"), Line("", 'password = "{}'), Line("", "CREATE USER me WITH PASSWORD '{}';"),
    Line("", '(setq password "{}")'), Line("", 'password = SecretStr("{}")'), Line("", 'passwords = ["{}"]'),
    Line("yaml", "password: {}"), Line("yaml", "POSTGRES_PASSWORD: {}"), Line("dockercompose", "  - MYSQL_ROOT_PASSWORD={}"),
    Line("yaml", "password: '{}'"), Line("yaml", "- name: DB_PASSWORD\n  value: {}"), Line("properties", "spring.datasource.password={}"),
    Line("dotenv", "DB_PASSWORD={}"), Line("ini", "password = {}"), Line("toml", "password = '{}'"), Line("json", '"password": "{}"'),
    Line("terraform", 'password = "{}"'), Line("plaintext", "DB_PASSWORD={}"), Line("plaintext", "password: {}"),
    Line("sql", "IDENTIFIED BY '{}'"), Line("", 'process.env.DB_PASSWORD || "{}"'), Line("", 'os.environ.get("DB_PASSWORD") or "{}"'),
    Line("", 'os.getenv("DB_PASSWORD", "{}")'), Line("", 'run(["mysql", "--password", "{}"])'), Line("", '{{:password, "{}"}}'),
    Line("", "<password><![CDATA[{}]]></password>"), Line("", "<password>\n  {}\n</password>"), Line("terraform", 'variable "db_password" {{\n  type = string\n  default = "{}"\n}}'),
    Line("cmake", 'set(PASSWORD "{}")'), Line("yaml", "passwords:\n  - {}"), Line("yaml", "password: >-\n  {}"),
)  # fmt: skip
# For passwords without a slash.
LINES_WITH_URLS = (
    Line("", 'dsn = "postgres://me:{}@db.corp/x"'), Line("", "mongodb+srv://me:{}@cluster0.abc.mongodb.net/x"), Line("", "redis://:{}@cache:6379/0"),
    Line("", '"jdbc:oracle:thin:me/{}@//db:1521/x"'),
)  # fmt: skip
# For passwords of one word that stand in no quotes.
LINES_WITH_WORDS = (
    Line("", '"Server=db;User Id=sa;Password={};"'), Line("", '"Server=db;User Id=sa;Pwd={}"'), Line("", '"host=db user=me password={} dbname=x"'),
    Line("", "curl -u me:{} https://a.b"), Line("", 'curl --user "me:{}" https://a.b'), Line("", "curl -s https://a.b \\\n  -u me:{}"),
    Line("shellscript", "export PGPASSWORD={}"), Line("shellscript", "PGPASSWORD={} psql -U me"), Line("shellscript", "mysql --password={} x"),
    Line("shellscript", "tool --password {}"), Line("shellscript", "sshpass -p {} ssh a"), Line("dockerfile", "ENV DB_PASSWORD {}"), Line("dockerfile", "ARG DB_PASSWORD={}"),
    Line("makefile", "DB_PASSWORD := {}"), Line("dockercompose", "  PASSWORD: ${{DB_PASSWORD:-{}}}"), Line("", '@Value("${{db.password:{}}}")'),
    Line("", '"jdbc:postgresql://db/x?user=me&password={}"'), Line("netrc", "machine a.b login me password {}"), Line("bat", "set PASSWORD={}"),
)  # fmt: skip

# Only the place tells that it is a password.
LINES_WITH_PLACES = (
    Line("", 'ftp.login("me", "{}")'), Line("", "smtp.login(user, '{}')"), Line("", 'client.log_in("me", "{}", True)'), Line("", 'auth.signIn("me@a.b", "{}");'),
    Line("", 'new NetworkCredential("me", "{}")'), Line("", 'new UsernamePasswordCredentials("me", "{}".toCharArray())'),
    Line("", 'DriverManager.getConnection(url, "me", "{}");'), Line("", 'MySQLdb.connect("localhost", "me", "{}", "db")'),
    Line("", "$db = new mysqli('localhost', 'me', '{}', 'db');"), Line("", "new PDO($dsn, 'me', '{}')"), Line("", 'User.create_user("me", "me@a.b", "{}")'),
    Line("", "mysql -ume -p{} db"), Line("", "mysqldump -u me -p'{}' db > a.sql"), Line("", 'run(["mysql", "-ume", "-p{}"])'), Line("", "mariadb -ume -p{}"),
    Line("", "docker login -u me -p {} a.b"), Line("", "redis-cli -a {} ping"), Line("", "mongosh -u me -p {}"), Line("", "sqlcmd -S a -U me -P {}"),
    Line("", "ldapsearch -D me -w {} -x"), Line("", "mosquitto_pub -u me -P {} -t a"), Line("", "rabbitmqctl add_user me {}"), Line("", "htpasswd -cb f me {}"),
    Line("", "smbclient //a/b -U me%{}"), Line("", "unzip -P {} a.zip"), Line("", "7z x -p{} a.7z"), Line("", "openssl rsa -in a -passin pass:{}"),
)  # fmt: skip
# A wallet's words, in lower case and without punctuation.
MNEMONICS = (
    "abandon amount liar amount expire adjust cage candy arch gather drum buyer",
    "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd "
    "amount doctor acoustic avoid letter always",
)
LINES_WITH_MNEMONICS = (
    Line("", 'mnemonic = "{}"'), Line("", "wallet('{}')"), Line("", "SEED={}"), Line("", "phrase: {}"), Line("", '["{}"]'),
)  # fmt: skip


def made(shape: str, seed: object = 0) -> str:
    """Return a credential of a shape, the same for the same seed."""
    source = random.Random(f"{shape} {seed}")

    def part(found: re.Match[str]) -> str:
        if found[0] == "{uuid}":
            return str(uuid.UUID(int=source.getrandbits(128), version=4))
        letters = ALPHABETS[found[1]]
        return "".join(source.choice(letters) for _ in range(int(found[2])))

    return re.sub(r"\{(b64|b32|[a-z]+)(\d*)\}", part, shape)


# What files are called that are read for the index.
FILE_OF = {
    "": "a.py", "yaml": "a.yaml", "dockercompose": "docker-compose.yml", "properties": "a.properties", "ini": "a.ini",
    "toml": "a.toml", "json": "a.json", "terraform": "a.tf", "shellscript": "a.sh", "dockerfile": "Dockerfile",
    "makefile": "Makefile", "go": "a.go", "rust": "a.rs", "sql": "a.sql", "cmake": "CMakeLists.txt", "bat": "a.bat",
}  # fmt: skip


def workspace() -> tuple[dict[str, str], set[str]]:
    """Return files that hold all canaries, and the canaries."""
    texts: dict[str, list[str]] = {}
    secrets = {made(shape) for shape in PROVIDERS.values()}
    texts["providers.py"] = [
        f'value_{n} = "{secret}"' for n, secret in enumerate(secrets)
    ]
    for language, line, secret in lines():
        if language in FILE_OF:
            texts.setdefault(FILE_OF[language], []).append(line)
            secrets.add(secret)
    files = {name: "\n".join((*rows, "")) for name, rows in texts.items()}
    hidden = "\n".join(secrets)
    return {
        **files,
        ".env": hidden,
        "database.yml": hidden,
        ".docker/config.json": hidden,
    }, secrets


def lines() -> Iterator[tuple[str, str, str]]:
    """Yield every canary in code: the language, the code and the secret in it."""
    for name, shape in KEYS.items():
        for i, line in enumerate(LINES_WITH_KEYS):
            secret = made(shape, f"{name} {i}")
            yield line.language, line.text.format(secret), secret
    for secret in PASSWORDS:
        urls = () if "/" in secret else LINES_WITH_URLS
        yield from _with(secret, *LINES_WITH_PASSWORDS, *LINES_WITH_WORDS, *urls)
        yield from _with(secret, *LINES_WITH_PLACES)
    for secret in PASSPHRASES:
        yield from _with(secret, *LINES_WITH_PASSWORDS)
    for secret in MNEMONICS:
        yield from _with(secret, *LINES_WITH_MNEMONICS)


def _with(secret: str, *lines: Line) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        yield line.language, line.text.format(secret), secret
