<?php
// Mistaken requests as PHP programs make them. Writes ../corpus/php.json. PHP 8.1 or newer (the command line), no packages.
declare(strict_types=1);
date_default_timezone_set('UTC');

const ALPHANUMERIC = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789';
const CHAINED = ['keyid', 'nonce', 'created', 'body'];
const SECONDS = ['created' => ['format' => 'unix']];
$cases = [];

function file_of(string $name): string { return file_get_contents(__DIR__ . "/bodies/$name.json"); }

// Made-up values that look like real ones, the same in each run.
function drawn(string $seed, int $length, string $alphabet = ALPHANUMERIC): string {
    $text = '';
    for ($block = 0; strlen($text) < $length; $block++)
        foreach (str_split(hash('sha512', "php:$seed:$block", true)) as $byte) $text .= $alphabet[ord($byte) % strlen($alphabet)];
    return substr($text, 0, $length);
}
function uuid(string $seed): string {
    $h = drawn($seed, 32, '0123456789abcdef');
    return substr($h, 0, 8) . '-' . substr($h, 8, 4) . '-4' . substr($h, 13, 3) . '-b' . substr($h, 17, 3) . '-' . substr($h, 20);
}
function in_zone(int $ms, string $zone, string $format): string {
    return (new DateTime('@' . intdiv($ms, 1000)))->setTimezone(new DateTimeZone($zone))->format($format);
}

$SCHEMES = [
    'fiserv-payments' => ['order' => CHAINED, 'encode' => 'b64', 'body' => 'sale-url', 'target' => '/ipp/payments-gateway/v2/payments', 'host' => 'payments.example',
        'headers' => fn($c) => [['Content-Type', 'application/json'], ['Client-Request-Id', $c['nonce']], ['Api-Key', $c['keyid']], ['Timestamp', $c['created']], ['Message-Signature', $c['signature']]]],
    'commercehub-hmac' => ['order' => CHAINED, 'encode' => 'b64', 'body' => 'charge', 'target' => '/payments/v1/charges', 'host' => 'connect.example',
        'headers' => fn($c) => [['Content-Type', 'application/json'], ['Client-Request-Id', $c['nonce']], ['Api-Key', $c['keyid']], ['Timestamp', $c['created']], ['Auth-Token-Type', 'HMAC'], ['Authorization', $c['signature']]]],
    'commercehub-digest' => ['order' => CHAINED, 'encode' => 'b64', 'body' => 'card-capture', 'target' => '/payments-vas/v1/card-capture', 'host' => 'connect.example', 'token' => true,
        'headers' => fn($c) => [['Content-Type', 'application/json'], ['Client-Request-Id', $c['nonce']], ['Api-Key', $c['keyid']], ['Timestamp', $c['created']], ['Auth-Token-Type', 'AccessToken'], ['Authorization', "Bearer {$c['token']}"], ['Message-Digest', $c['signature']]]],
    'startbutton-transfer' => ['order' => ['created', 'body'], 'encode' => 'bin2hex', 'body' => 'transfer-bank', 'target' => '/transaction/transfer', 'host' => 'transfers.example', 'token' => true,
        'headers' => fn($c) => [['Authorization', "Bearer {$c['token']}"], ['Content-Type', 'application/json'], ['x-request-id', $c['signature']]]],
    'startbutton-webhook' => ['order' => ['body'], 'encode' => 'bin2hex', 'body' => 'webhook', 'target' => '/webhooks/startbutton.php', 'host' => 'shop.example', 'hash' => 'sha512',
        'headers' => fn($c) => [['content-type', 'application/json'], ['x-startbutton-signature', $c['signature']]]],
];
$SCHEMES['commercehub-digest-sha256'] = ['encode' => 'bin2hex', 'unkeyed' => true] + $SCHEMES['commercehub-digest'];

function b64(string $mac): string { return base64_encode($mac); }
function b64_of_hex(string $mac): string { return base64_encode(bin2hex($mac)); }

// One request. $change($c) gives what this caller does otherwise than the scheme says; $c holds the true values.
function request(string $scheme, string $name, array $expected, ?callable $change = null): void {
    global $SCHEMES, $cases;
    $rule = $SCHEMES[$scheme];
    $c = ['keyid' => drawn("$name/keyid", 32), 'secret' => drawn("$name/secret", 44), 'nonce' => uuid($name), 'rule' => $rule,
        'token' => isset($rule['token']) ? drawn("$name/token", 28) : null, 'body' => file_of($rule['body']),
        'ms' => 1729620420000 + hexdec(substr(md5($name), 0, 9)) % (600 * 86400000)];
    $o = $change ? $change($c) : [];
    foreach (['keyid', 'secret', 'nonce', 'token', 'ms', 'body'] as $key) if (array_key_exists($key, $o)) $c[$key] = $o[$key];
    $unit = $o['overrides']['created']['format'] ?? '';
    $c['created'] = $o['created'] ?? ($scheme === 'startbutton-transfer' ? in_zone($c['ms'], 'UTC', 'YmdHi') : ($unit === 'unix' ? (string) intdiv($c['ms'], 1000) : (string) $c['ms']));
    $signed = ($o['signed'] ?? []) + ['keyid' => $c['keyid'], 'nonce' => $c['nonce'], 'created' => $c['created'], 'body' => $c['body']];
    $base = isset($o['base']) ? $o['base']($signed) : implode('', array_map(fn($part) => (string) $signed[$part], $rule['order']));
    $hash = $o['hash'] ?? $rule['hash'] ?? 'sha256';
    $unkeyed = $o['unkeyed'] ?? $rule['unkeyed'] ?? false;
    $key = $o['key'] ?? (str_starts_with($scheme, 'commercehub-digest') ? $c['token'] : $c['secret']);
    $mac = $unkeyed ? hash($hash, $base, true) : hash_hmac($hash, $base, $key, true);
    $c['signature'] = ($o['encode'] ?? $rule['encode'])($mac);
    $headers = array_merge([['Host', $rule['host']], ['Accept', '*/*']], $rule['headers']($c));
    if (isset($o['headers'])) $headers = $o['headers']($headers, $c);
    $credential = ['keyid' => $c['keyid'], 'secret' => $o['secrets'] ?? $c['secret']] + ($c['token'] ? ['token' => $c['token']] : []) + ($o['credential'] ?? []);
    $case = ['name' => "php-$name", 'made_with' => 'php', 'scheme' => $scheme];
    if (isset($o['overrides'])) $case['overrides'] = $o['overrides'];
    $case['credential'] = $credential;
    if (isset($o['others'])) $case['others'] = $o['others'];
    $case['request'] = ['method' => $o['method'] ?? 'POST', 'target' => $o['target'] ?? $rule['target'], 'headers' => array_values($headers), 'body_base64' => base64_encode($c['body'])];
    $case['now'] = $o['now'] ?? ($c['ms'] + 420 + $c['ms'] % 1300) / 1000;
    $case['expected'] = $expected;
    if (isset($o['also'])) $case['also'] = $o['also'];
    $case['signed'] = ['algorithm' => ($unkeyed ? '' : 'hmac-') . $hash, 'key_base64' => $unkeyed ? null : base64_encode($key), 'base_base64' => base64_encode($base), 'mac_text' => $c['signature']];
    $cases[] = $case;
}
function ipg(...$rest): void { request('fiserv-payments', ...$rest); }
function hub(...$rest): void { request('commercehub-hmac', ...$rest); }
function digest(...$rest): void { request('commercehub-digest', ...$rest); }
function plain(...$rest): void { request('commercehub-digest-sha256', ...$rest); }
function transfer(...$rest): void { request('startbutton-transfer', ...$rest); }
function webhook(...$rest): void { request('startbutton-webhook', ...$rest); }
function again(string $text, int $flags = 0): string { return json_encode(json_decode($text), $flags); }
function renamed(array $headers, string $from, string $to): array { return array_map(fn($h) => [$h[0] === $from ? $to : $h[0], $h[1]], $headers); }
function revalued(array $headers, string $name, callable $value): array { return array_map(fn($h) => [$h[0], $h[0] === $name ? $value($h[1]) : $h[1]], $headers); }

$unicode = file_of('sale-unicode');
$both = file_of('sale-url-unicode');

// ---- right, for comparison
transfer('right-transfer', []);
digest('right-digest', []);

// ---- the body: json_encode escapes "/" and everything beyond ASCII
ipg('json-encode-slashes', ['body-escaped-slashes'], fn($c) => ['signed' => ['body' => again($c['body'])]]);
transfer('published-sample', ['body-escaped-slashes'], fn($c) => ['signed' => ['body' => again($c['body'])]]);
digest('json-encode-block', ['body-escaped-slashes'], fn($c) => ['signed' => ['body' => again($c['body'])]]);
ipg('json-encode-unicode', ['body-escaped-unicode'], fn($c) => ['body' => $unicode, 'signed' => ['body' => again($unicode, JSON_UNESCAPED_SLASHES)]]);
ipg('json-encode-both', ['body-escaped-slashes', 'body-escaped-unicode'], fn($c) => ['body' => $both, 'signed' => ['body' => again($both)]]);
webhook('json-encode-again', ['body-escaped-slashes', 'body-escaped-unicode'], fn($c) => ['body' => file_of('webhook-unicode'), 'signed' => ['body' => again(file_of('webhook-unicode'))]]);
transfer('json-encode-ivoire', ['body-escaped-unicode'], fn($c) => ['body' => file_of('transfer-unicode'), 'signed' => ['body' => again(file_of('transfer-unicode'))]]);
ipg('sent-escaped-signed-plain', ['body-unescaped-unicode'], fn($c) => ['body' => again($unicode, JSON_UNESCAPED_SLASHES), 'signed' => ['body' => again($unicode, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE)]]);
ipg('json-hex-tags', ['body-escaped-unicode'], fn($c) => ['body' => file_of('sale-html'), 'signed' => ['body' => again(file_of('sale-html'), JSON_UNESCAPED_SLASHES | JSON_HEX_TAG | JSON_HEX_AMP)]]);
hub('pretty-print', ['body-indented'], fn($c) => ['signed' => ['body' => again($c['body'], JSON_PRETTY_PRINT)]]);
ipg('pretty-print-slashes', ['body-indented', 'body-escaped-slashes'], fn($c) => ['signed' => ['body' => again($c['body'], JSON_PRETTY_PRINT)]]);
transfer('sent-pretty', ['body-compacted'], fn($c) => ['body' => again($c['body'], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), 'signed' => ['body' => $c['body']]]);
transfer('ksort', ['body-key-order'], function ($c) { $data = json_decode($c['body'], true); ksort($data); return ['signed' => ['body' => json_encode($data, JSON_UNESCAPED_SLASHES)]]; });
hub('ksort-top', ['body-key-order'], function ($c) { $data = json_decode($c['body'], true); ksort($data); return ['signed' => ['body' => json_encode($data, JSON_UNESCAPED_SLASHES)]]; });
ipg('ksort-and-slashes', ['body-key-order', 'body-escaped-slashes'], function ($c) { $data = json_decode($c['body'], true); ksort($data); return ['signed' => ['body' => json_encode($data)]]; });
hub('floats-reencoded', ['body-number-format'], fn($c) => ['body' => file_of('charge-floats'), 'signed' => ['body' => again(file_of('charge-floats'))]]);
ipg('floats-number-format', ['body-number-format'], function ($c) {
    $data = ['requestType' => 'PostAuthTransaction', 'transactionAmount' => ['total' => 40.5, 'currency' => 'EUR']];
    $sent = json_encode($data);
    return ['body' => $sent, 'signed' => ['body' => str_replace('40.5', number_format(40.5, 2), $sent)]];
});
transfer('http-build-query', ['body-form-encoded'], fn($c) => ['signed' => ['body' => http_build_query(json_decode($c['body'], true))]]);
hub('http-build-query-nested', ['body-form-encoded'], fn($c) => ['body' => file_of('session'), 'target' => '/payments-vas/v1/security/credentials', 'signed' => ['body' => http_build_query(json_decode(file_of('session'), true))]]);
ipg('get-empty-array', ['body-null-signed'], fn($c) => ['method' => 'GET', 'target' => '/ipp/payments-gateway/v2/orders/R-77120', 'body' => '', 'signed' => ['body' => json_encode([])]]);
hub('get-null', ['body-null-signed'], fn($c) => ['method' => 'GET', 'target' => '/payments-vas/v1/accounts/balance', 'body' => '', 'signed' => ['body' => json_encode(null)]]);
ipg('encoded-twice', ['body-double-encoded'], fn($c) => ['body' => file_of('void'), 'signed' => ['body' => json_encode(file_of('void'))]]);
transfer('encoded-twice-slashes', ['body-double-encoded', 'body-escaped-slashes'], fn($c) => ['signed' => ['body' => json_encode($c['body'])]]);
hub('base64-body', ['body-base64'], fn($c) => ['signed' => ['body' => base64_encode($c['body'])]]);
digest('hash-of-body', ['body-hash-signed'], fn($c) => ['signed' => ['body' => hash('sha256', $c['body'])]]);
ipg('latin1', ['body-charset'], fn($c) => ['body' => file_of('order-latin'), 'signed' => ['body' => mb_convert_encoding(file_of('order-latin'), 'ISO-8859-1', 'UTF-8')]]);
ipg('utf8-encoded-twice', ['body-charset'], fn($c) => ['body' => file_of('order-latin'), 'signed' => ['body' => mb_convert_encoding(file_of('order-latin'), 'UTF-8', 'ISO-8859-1')]]);
webhook('input-trimmed', ['body-trimmed'], fn($c) => ['body' => $c['body'] . "\r\n", 'signed' => ['body' => trim($c['body'] . "\r\n")], 'also' => ['body-missing-newline', 'body-compacted']]);
ipg('heredoc-newline', ['body-trailing-newline'], fn($c) => ['signed' => ['body' => $c['body'] . PHP_EOL]]);
ipg('body-later', ['body-empty-signed'], fn($c) => ['signed' => ['body' => ''], 'also' => ['component-missing']]);

// ---- the time
ipg('time-function', ['created-unit'], fn($c) => ['created' => (string) intdiv($c['ms'], 1000)]);
hub('time-function-signed', ['created-unit'], fn($c) => ['signed' => ['created' => intdiv($c['ms'], 1000)]]);
ipg('microtime-integer', ['created-unit'], fn($c) => ['created' => $c['ms'] . '517']);
ipg('microtime-float', ['created-fraction'], fn($c) => ['ms' => 1738246018226, 'created' => (string) 1738246018.2267]);
hub('microtime-milliseconds', ['created-fraction'], fn($c) => ['ms' => 1746871225913, 'created' => (string) (1746871225.9134 * 1000)]);
digest('date-atom', ['created-iso'], fn($c) => ['created' => in_zone($c['ms'], 'UTC', DATE_ATOM)]);
transfer('date-default-zone', ['created-timezone'], fn($c) => ['ms' => 1735657920000, 'signed' => ['created' => in_zone(1735657920000, 'Africa/Nairobi', 'YmdHi')], 'also' => ['created-clock-skew']]);
transfer('date-newfoundland', ['created-timezone'], fn($c) => ['ms' => 1735657920000, 'signed' => ['created' => in_zone(1735657920000, 'America/St_Johns', 'YmdHi')], 'also' => ['created-outside-window']]);
transfer('date-unpadded-hour', ['created-part-missing'], fn($c) => ['ms' => 1729585620000, 'signed' => ['created' => in_zone(1729585620000, 'UTC', 'YmdGi')]]);
transfer('date-unpadded-month', ['created-part-missing'], fn($c) => ['ms' => 1749133330000, 'signed' => ['created' => in_zone(1749133330000, 'UTC', 'YnjHi')]]);
ipg('time-twice', ['created-differs'], fn($c) => ['signed' => ['created' => $c['ms'] - 41]]);
transfer('time-from-job-queue', ['created-outside-window'], fn($c) => ['now' => ($c['ms'] + 18 * 60000) / 1000]);

// ---- the id, the key
hub('nonce-upper-sent', ['nonce-case'], fn($c) => ['nonce' => strtoupper($c['nonce']), 'signed' => ['nonce' => $c['nonce']]]);
ipg('nonce-not-in-base', ['nonce-not-signed'], fn($c) => ['signed' => ['nonce' => ''], 'also' => ['component-missing']]);
plain('keyid-not-in-base', ['keyid-not-signed'], fn($c) => ['signed' => ['keyid' => ''], 'also' => ['component-missing']]);
ipg('key-config-space', ['key-whitespace'], fn($c) => ['key' => ' ' . $c['secret']]);
hub('key-single-quotes', ['key-quotes'], fn($c) => ['key' => "'{$c['secret']}'"]);
hub('key-base64-decode', ['key-base64-decoded'], function ($c) { $secret = base64_encode(hash('sha256', 'php raw key', true)); return ['secret' => $secret, 'key' => base64_decode($secret)]; });
ipg('key-hex2bin', ['key-hex-decoded'], function ($c) { $secret = drawn('hex', 64, '0123456789abcdef'); return ['secret' => $secret, 'key' => hex2bin($secret)]; });
transfer('key-base64-encode', ['key-base64-encoded'], fn($c) => ['key' => base64_encode($c['secret'])]);
transfer('key-secret-key', ['key-token'], fn($c) => ['key' => $c['token']]);
webhook('key-signkey', ['key-token'], fn($c) => ['token' => drawn('webhook token', 40), 'key' => drawn('webhook token', 40)]);
hub('arguments-exchanged', ['key-swapped'], fn($c) => ['key' => $c['keyid']]);
ipg('key-unknown', ['unproven'], fn($c) => ['key' => drawn('somebody else', 44)]);
ipg('key-retired-slashes', ['key-retired', 'body-escaped-slashes'], fn($c) => ['secrets' => [$c['secret'], drawn('new', 44)], 'signed' => ['body' => again($c['body'])]]);

// ---- order and shape
transfer('joined-by-pipe', ['separator'], fn($c) => ['base' => fn($s) => $s['created'] . '|' . $s['body']]);
hub('imploded-commas', ['separator'], fn($c) => ['base' => fn($s) => implode(',', [$s['keyid'], $s['nonce'], $s['created'], $s['body']])]);
ipg('order-time-first', ['order'], fn($c) => ['base' => fn($s) => $s['created'] . $s['keyid'] . $s['nonce'] . $s['body']]);
hub('uri-before-body', ['component-extra'], fn($c) => ['base' => fn($s) => $s['keyid'] . $s['nonce'] . $s['created'] . $c['rule']['target'] . $s['body']]);
transfer('time-forgotten', ['component-missing'], fn($c) => ['signed' => ['created' => ''], 'also' => ['created-part-missing']]);

// ---- algorithm, encoding
ipg('algorithm-default-sha1', ['algorithm-sha1'], fn($c) => ['hash' => 'sha1']);
transfer('algorithm-md5', ['algorithm-md5'], fn($c) => ['hash' => 'md5']);
hub('algorithm-sha384', ['algorithm-sha384'], fn($c) => ['hash' => 'sha384']);
transfer('algorithm-hash-function', ['algorithm-secret-suffixed'], fn($c) => ['unkeyed' => true, 'base' => fn($s) => $s['created'] . $s['body'] . $c['secret']]);
hub('algorithm-prehashed', ['algorithm-double-hash'], fn($c) => ['base' => fn($s) => hash('sha256', implode('', [$s['keyid'], $s['nonce'], $s['created'], $s['body']]))]);
ipg('hash-hmac-not-raw', ['encoding-hex'], fn($c) => ['encode' => 'bin2hex']);
transfer('hash-hmac-upper', ['encoding-hex-upper'], fn($c) => ['encode' => fn($mac) => strtoupper(bin2hex($mac))]);
webhook('base64-raw', ['encoding-base64'], fn($c) => ['encode' => 'b64']);
digest('base64-not-raw', ['encoding-base64-of-hex'], fn($c) => ['encode' => 'b64_of_hex']);
ipg('urlencode', ['encoding-percent'], fn($c) => ['encode' => fn($mac) => urlencode(base64_encode($mac))]);
hub('base64-strtr', ['encoding-base64url'], fn($c) => ['nonce' => uuid('1'), 'encode' => fn($mac) => strtr(base64_encode($mac), '+/', '-_')]);
transfer('column-width', ['encoding-truncated'], fn($c) => ['encode' => fn($mac) => substr(bin2hex($mac), 0, 32)]);

// ---- headers
ipg('header-x-message-signature', ['header-renamed'], fn($c) => ['headers' => fn($h) => renamed($h, 'Message-Signature', 'X-Message-Signature')]);
transfer('header-capital-signature', ['header-renamed'], fn($c) => ['headers' => fn($h) => renamed($h, 'x-request-id', 'X-Signature')]);
hub('header-quoted', ['header-prefix'], fn($c) => ['headers' => fn($h) => revalued($h, 'Authorization', fn($v) => "\"$v\"")]);
digest('header-no-bearer-token', ['header-missing'], fn($c) => ['headers' => fn($h) => array_filter($h, fn($x) => $x[0] !== 'Authorization')]);

// ---- two and three at once
transfer('sample-in-lagos', ['body-escaped-slashes', 'created-timezone'], fn($c) => ['ms' => 1742200000000, 'signed' => ['body' => again($c['body']), 'created' => in_zone(1742200000000, 'Africa/Lagos', 'YmdHi')]]);
ipg('slashes-and-hex', ['body-escaped-slashes', 'encoding-hex'], fn($c) => ['signed' => ['body' => again($c['body'])], 'encode' => 'bin2hex']);
ipg('unicode-and-seconds', ['body-escaped-unicode', 'created-unit'], fn($c) => ['body' => $unicode, 'created' => (string) intdiv($c['ms'], 1000), 'signed' => ['body' => again($unicode)]]);
digest('secret-and-base64-of-hex', ['key-token', 'encoding-base64-of-hex'], fn($c) => ['key' => $c['secret'], 'encode' => 'b64_of_hex']);
transfer('form-and-pipe', ['body-form-encoded', 'separator'], fn($c) => ['base' => fn($s) => $s['created'] . '|' . http_build_query(json_decode($s['body'], true))]);
transfer('sample-time-token', ['body-escaped-slashes', 'created-part-missing', 'key-token'], fn($c) => ['ms' => 1729585620000, 'key' => $c['token'], 'signed' => ['body' => again($c['body']), 'created' => in_zone(1729585620000, 'UTC', 'YmdGi')]]);
ipg('slashes-unicode-seconds', ['body-escaped-slashes', 'body-escaped-unicode', 'created-unit'], fn($c) => ['body' => $both, 'signed' => ['body' => again($both), 'created' => intdiv($c['ms'], 1000)]]);

file_put_contents(__DIR__ . '/../corpus/php.json', json_encode($cases, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE) . "\n");
echo 'php: ' . count($cases) . "\n";
