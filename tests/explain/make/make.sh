#!/bin/sh
# Mistaken requests as shell scripts with the OpenSSL command line make them, and some typed by hand. Writes ../corpus/shell.json
# and ../corpus/hand.json. Needs a POSIX shell, openssl, jq, xxd and GNU date.
set -eu
export LC_ALL=C
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: > "$work/shell" ; : > "$work/hand"

hex_of() { printf '%s' "$1" | xxd -p | tr -d '\n'; }
# keyed HASH KEY < base: the MAC in hex.          unkeyed HASH < base
keyed() { openssl dgst "-$1" -mac HMAC -macopt "hexkey:$(hex_of "$2")" | sed 's/^.*= *//'; }
unkeyed() { openssl dgst "-$1" | sed 's/^.*= *//'; }
base64_raw() { xxd -r -p | openssl base64 -A; }

# emit EXPECTED: one case of what stands in these variables.
#   name maker scheme overrides credential others method target headers body (a file) now also algorithm key_hex base (a file) signature
emit() {
  jq -n -c --arg name "$maker-$name" --arg maker "$maker" --arg scheme "$scheme" --argjson overrides "$overrides" \
    --argjson credential "$credential" --argjson others "$others" --arg method "$method" --arg target "$target" --arg headers "$headers" \
    --arg body "$(openssl base64 -A < "$body")" --argjson now "$now" --arg expected "$1" --arg also "$also" --arg algorithm "$algorithm" \
    --arg key "$(printf '%s' "$key_hex" | xxd -r -p | openssl base64 -A)" --arg base "$(openssl base64 -A < "$base")" --arg mac "$signature" '
    {name: $name, made_with: $maker, scheme: $scheme}
    + (if $overrides == {} then {} else {overrides: $overrides} end) + {credential: $credential}
    + (if $others == [] then {} else {others: $others} end)
    + {request: {method: $method, target: $target, headers: [$headers | split("\n")[] | select(. != "") | capture("^(?<n>[^:]*): (?<v>.*)$"; "s") | [.n, .v]],
       body_base64: $body}, now: $now, expected: ($expected | split(" ")  | map(select(. != "")))}
    + (if $also == "" then {} else {also: ($also | split(" "))} end)
    + {signed: {algorithm: $algorithm, key_base64: (if $algorithm | startswith("hmac-") then $key else null end), base_base64: $base, mac_text: $mac}}' \
    >> "$work/$maker"
}

fresh() { # what most cases share
  name=$1 scheme=$2 maker=shell overrides='{}' others='[]' method=POST also='' algorithm=hmac-sha256
  body=$work/body base=$work/base
  case $scheme in
    startbutton-webhook) algorithm=hmac-sha512 target=/startbutton/events ;;
    startbutton-transfer) target=/transaction/transfer ;;
    commercehub-hmac) target=/payments/v1/charges ;;
    commercehub-*) target=/payments-vas/v1/card-capture ;;
    *) target=/gateway/v2/payments ;;
  esac
  keyid=$(printf '%s' "sh keyid $name" | openssl dgst -sha256 -binary | openssl base64 -A | tr -d '+/=' | cut -c1-32)
  secret=$(printf '%s' "sh secret $name" | openssl dgst -sha512 -binary | openssl base64 -A | tr -d '+/=' | cut -c1-44)
  token=$(printf '%s' "sh token $name" | openssl dgst -sha256 -binary | openssl base64 -A | tr -d '+/=' | cut -c1-28)
  h=$(printf '%s' "sh nonce $name" | openssl dgst -md5 | sed 's/^.*= *//')
  nonce=$(printf '%s' "$h" | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\)$/\1-\2-4\3-8\4-\5/')
  seconds=$((1729620420 + 0x$(printf '%s' "$h" | cut -c1-6) * 3))
  millis=$(printf '%03d' $((0x$(printf '%s' "$h" | cut -c7-9) % 1000)))
  created=$seconds$millis
  now=$seconds.9
  [ "$scheme" = startbutton-transfer ] && { created=$(date -u -d "@$seconds" +%Y%m%d%H%M); now=$((seconds + 2)).5; }
  credential=$(jq -n -c --arg k "$keyid" --arg s "$secret" --arg t "$token" --arg scheme "$scheme" \
    '{keyid: $k, secret: $s} + (if $scheme | test("digest|transfer") then {token: $t} else {} end)')
  key_hex=$(hex_of "$secret")
  case $scheme in commercehub-digest) key_hex=$(hex_of "$token") ;; esac
}
cp_body() { cp "bodies/$1.json" "$body"; }
written() { # the headers of the scheme, with $signature in its place
  common="Host: api.example
User-Agent: curl/8.14.1
Accept: */*
Content-Type: application/json"
  named="Api-Key: $keyid
Client-Request-Id: $nonce
Timestamp: $created"
  case $scheme in
    fiserv-payments) headers="$common
$named
Message-Signature: $signature" ;;
    commercehub-hmac) headers="$common
$named
Auth-Token-Type: HMAC
Authorization: $signature" ;;
    commercehub-digest*) headers="$common
$named
Auth-Token-Type: AccessToken
Authorization: Bearer $token
Message-Digest: $signature" ;;
    startbutton-transfer) headers="$common
Authorization: Bearer $token
x-request-id: $signature" ;;
    startbutton-webhook) headers="$common
x-startbutton-signature: $signature" ;;
  esac
}
mac_hex() {
  hash=${algorithm#hmac-}
  case $algorithm in
    hmac-*) openssl dgst "-$hash" -mac HMAC -macopt "hexkey:$key_hex" < "$base" | sed 's/^.*= *//' ;;
    *) unkeyed "$hash" < "$base" ;;
  esac
}
as_scheme() { case $scheme in startbutton-*|*-sha256) cat ;; *) base64_raw ;; esac; }
sign() { signature=$(mac_hex | as_scheme); written; }
head_of() { printf '%s%s%s' "$keyid" "$nonce" "$created"; }

# ---- right, for comparison
fresh right-get fiserv-payments; : > "$body"; method=GET target=/gateway/v2/payments/84533125777; head_of > "$base"; sign; emit ''
fresh right-transfer startbutton-transfer; cp_body transfer-momo; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; emit ''

# ---- echo ends its text with a newline, printf does not
fresh echo-base fiserv-payments; cp_body sale; echo "$(head_of)$(cat "$body")" > "$base"; sign; emit body-trailing-newline
fresh echo-transfer startbutton-transfer; cp_body transfer-bank; echo "$created$(cat "$body")" > "$base"; sign; emit body-trailing-newline
# curl -d @file leaves out the file's newlines; openssl reads them.
fresh curl-d-file commercehub-hmac; { cat bodies/charge.json; echo; } > "$work/file"; tr -d '\r\n' < "$work/file" > "$body"
{ head_of; cat "$work/file"; } > "$base"; sign; emit body-trailing-newline
fresh curl-d-pretty-file fiserv-payments; jq . bodies/sale.json > "$work/file"; tr -d '\r\n' < "$work/file" > "$body"
{ head_of; cat "$work/file"; } > "$base"; sign; emit 'body-indented body-trailing-newline'
fresh curl-data-binary fiserv-payments; { cat bodies/sale.json; echo; } > "$body"; printf '%s%s' "$(head_of)" "$(cat "$body")" > "$base"; sign
also='body-trimmed body-compacted'; emit body-missing-newline
fresh data-binary-pretty startbutton-transfer; jq --indent 4 . bodies/transfer-bank.json > "$body"; printf '%s%s' "$created" "$(cat "$body")" > "$base"; sign
also='body-trimmed body-indented'; emit body-missing-newline

# ---- jq
fresh jq-compact commercehub-hmac; jq . bodies/charge.json > "$body"; { head_of; jq -c -j . "$body"; } > "$base"; sign; emit body-compacted
fresh jq-pretty fiserv-payments; cp_body sale-url; { head_of; jq -j . "$body"; } > "$base"; sign; emit body-indented
fresh jq-pretty-tab startbutton-webhook; cp_body webhook; jq -j --tab . "$body" > "$base"; sign; emit body-indented
fresh jq-sorted fiserv-payments; cp_body sale; { head_of; jq -S -c -j . "$body"; } > "$base"; sign; emit body-key-order
fresh jq-sorted-pretty commercehub-hmac; cp_body charge; { head_of; jq -S -j . "$body"; } > "$base"; sign; emit 'body-key-order body-indented'
fresh jq-ascii fiserv-payments; cp_body sale-unicode; { head_of; jq -a -c -j . "$body"; } > "$base"; sign; emit body-escaped-unicode
fresh jq-raw-unescaped commercehub-hmac; jq -a -c -j . bodies/sale-unicode.json > "$body"; { head_of; jq -c -j . "$body"; } > "$base"; sign; emit body-unescaped-unicode
fresh jq-tojson startbutton-transfer; cp_body transfer-momo; { printf '%s' "$created"; jq -c tojson "$body" | tr -d '\n'; } > "$base"; sign; emit body-double-encoded
fresh jq-pretty-newline fiserv-payments; printf '{"requestType":"PostAuthTransaction","transactionAmount":{"total":44,"currency":"EUR"}}' > "$body"
{ head_of; jq . "$body"; } > "$base"; sign; emit 'body-indented body-trailing-newline'

# ---- files from elsewhere
fresh unix2dos commercehub-hmac; jq . bodies/session.json > "$body"; target=/payments-vas/v1/security/credentials
{ head_of; sed 's/$/\r/' "$body"; } > "$base"; sign; emit body-crlf
fresh dos-file-sent fiserv-payments; jq . bodies/sale.json | sed 's/$/\r/' > "$body"; { head_of; tr -d '\r' < "$body"; } > "$base"; sign; emit body-crlf
fresh bom-file startbutton-transfer; cp_body transfer-bank; { printf '%s' "$created"; printf '\357\273\277'; cat "$body"; } > "$base"; sign; emit body-bom
fresh iconv-latin1 fiserv-payments; cp_body order-latin; { head_of; iconv -f UTF-8 -t ISO-8859-1 "$body"; } > "$base"; sign; emit body-charset
fresh iconv-utf16 startbutton-transfer; cp_body transfer-momo; { printf '%s' "$created"; iconv -f UTF-8 -t UTF-16LE "$body"; } > "$base"; sign; emit body-charset
fresh base64-body commercehub-digest; cp_body card-capture; { head_of; openssl base64 -A < "$body"; } > "$base"; sign; emit body-base64
fresh hash-body fiserv-payments; cp_body sale; { head_of; openssl dgst -sha256 -hex < "$body" | sed 's/^.*= *//' | tr -d '\n'; } > "$base"; sign; emit body-hash-signed
fresh hash-body-base64 startbutton-transfer; cp_body transfer-bank; { printf '%s' "$created"; openssl dgst -sha256 -binary < "$body" | openssl base64 -A; } > "$base"; sign; emit body-hash-signed
fresh variable-empty startbutton-transfer; cp_body transfer-bank; unset_variable=''; printf '%s%s' "$created" "$unset_variable" > "$base"; sign; also=component-missing; emit body-empty-signed
fresh get-quotes fiserv-payments; : > "$body"; method=GET target=/gateway/v2/payments/84533125778; printf '%s""' "$(head_of)" > "$base"; sign; also=body-double-encoded; emit body-null-signed

# ---- date
fresh date-s fiserv-payments; cp_body sale; created=$seconds; { head_of; cat "$body"; } > "$base"; sign; emit created-unit
fresh date-s-signed commercehub-hmac; cp_body charge; printf '%s%s%s' "$keyid" "$nonce" "$seconds" > "$base"; cat "$body" >> "$base"; sign; emit created-unit
fresh date-s-6n commercehub-digest-sha256; algorithm=sha256; cp_body card-capture; created=$seconds${millis}391; { head_of; cat "$body"; } > "$base"; sign; emit created-unit
fresh date-milliseconds-signed fiserv-payments; overrides='{"created":{"format":"unix"}}'; cp_body sale; created=$seconds; printf '%s%s%s000' "$keyid" "$nonce" "$seconds" > "$base"; cat "$body" >> "$base"; sign; emit created-unit
fresh date-s-dot-3n fiserv-payments; cp_body sale; created=$seconds.$millis; { head_of; cat "$body"; } > "$base"; sign; emit created-fraction
fresh date-iso fiserv-payments; cp_body sale; created=$(date -u -d "@$seconds" +%Y-%m-%dT%H:%M:%SZ); { head_of; cat "$body"; } > "$base"; sign; emit created-iso
fresh date-iso-offset commercehub-hmac; cp_body charge; created=$(TZ=EST5 date -d "@$seconds" -Iseconds); { head_of; cat "$body"; } > "$base"; sign; emit created-iso
fresh date-local startbutton-transfer; seconds=1731000000; created=$(date -u -d @1731000000 +%Y%m%d%H%M); now=1731000001.2; cp_body transfer-momo
{ TZ=EAT-3 date -d @1731000000 +%Y%m%d%H%M | tr -d '\n'; cat "$body"; } > "$base"; sign; also=created-clock-skew; emit created-timezone
fresh date-local-half startbutton-transfer; now=1731000001.2; cp_body transfer-bank
{ TZ=ACST-9:30 date -d @1731000000 +%Y%m%d%H%M | tr -d '\n'; cat "$body"; } > "$base"; sign; also=created-clock-skew; emit created-timezone
fresh date-unpadded-hour startbutton-transfer; now=1746176700.5; cp_body transfer-bank # 2 May 2025, 09:05
{ date -u -d @1746176700 +%Y%m%d%-H%M | tr -d '\n'; cat "$body"; } > "$base"; sign; emit created-part-missing
fresh date-unpadded-month-day startbutton-transfer; now=1746176700.5; cp_body transfer-momo
{ date -u -d @1746176700 +%Y%-m%-d%H%M | tr -d '\n'; cat "$body"; } > "$base"; sign; emit created-part-missing
fresh date-twice fiserv-payments; cp_body sale; printf '%s%s%s' "$keyid" "$nonce" "$((seconds * 1000 + 1$millis - 1000 - 9))" > "$base"; cat "$body" >> "$base"; sign; emit created-differs
fresh date-twice-seconds fiserv-payments; overrides='{"created":{"format":"unix"}}'; cp_body sale; created=$seconds; printf '%s%s%s' "$keyid" "$nonce" "$((seconds - 3))" > "$base"; cat "$body" >> "$base"; sign; emit created-differs
fresh sent-again-later startbutton-transfer; cp_body transfer-bank; now=$((seconds / 60 * 60 + 12 * 60)).0; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; emit created-outside-window
fresh clock-not-set commercehub-digest; cp_body card-capture; now=$((seconds - 86400)).0; { head_of; cat "$body"; } > "$base"; sign; emit created-clock-skew

# ---- the id; uuidgen prints capitals on some systems
fresh uuidgen-capitals fiserv-payments; cp_body sale; nonce=$(printf '%s' "$nonce" | tr a-f A-F); { printf '%s' "$keyid$nonce$created" | sed "s/$nonce/$(printf '%s' "$nonce" | tr A-F a-f)/"; cat "$body"; } > "$base"; sign; emit nonce-case
fresh uuid-no-dashes commercehub-digest; cp_body card-capture; { printf '%s%s%s' "$keyid" "$(printf '%s' "$nonce" | tr -d -)" "$created"; cat "$body"; } > "$base"; sign; emit nonce-dashes
fresh id-variable-empty commercehub-digest; cp_body card-capture; { printf '%s%s' "$keyid" "$created"; cat "$body"; } > "$base"; sign; also=component-missing; emit nonce-not-signed
fresh id-twice fiserv-payments; cp_body sale; { printf '%s%s%s' "$keyid" "0f8fad5b-d9cb-469f-a165-70867728950e" "$created"; cat "$body"; } > "$base"; sign; emit unproven

# ---- the key
fresh key-file-newline commercehub-hmac; cp_body charge; key_hex=$(echo "$secret" | xxd -p | tr -d '\n'); { head_of; cat "$body"; } > "$base"; sign; emit key-whitespace
fresh key-dotenv-carriage-return startbutton-transfer; cp_body transfer-bank; key_hex=$(printf '%s\r' "$secret" | xxd -p | tr -d '\n'); { printf '%s' "$created"; cat "$body"; } > "$base"; sign; emit key-whitespace
fresh key-dotenv-quotes fiserv-payments; cp_body sale; key_hex=$(hex_of "\"$secret\""); { head_of; cat "$body"; } > "$base"; sign; emit key-quotes
fresh key-hexkey commercehub-hmac; cp_body charge; secret=$(printf 'hexkey' | unkeyed sha256); credential=$(jq -n -c --arg k "$keyid" --arg s "$secret" '{keyid: $k, secret: $s}')
key_hex=$secret; { head_of; cat "$body"; } > "$base"; sign; emit key-hex-decoded
fresh key-base64-d fiserv-payments; cp_body sale; secret=$(printf 'b64key' | openssl dgst -sha256 -binary | openssl base64 -A); credential=$(jq -n -c --arg k "$keyid" --arg s "$secret" '{keyid: $k, secret: $s}')
key_hex=$(printf '%s' "$secret" | openssl base64 -d -A | xxd -p | tr -d '\n'); { head_of; cat "$body"; } > "$base"; sign; emit key-base64-decoded
fresh key-base64 startbutton-webhook; cp_body webhook; key_hex=$(hex_of "$(printf '%s' "$secret" | openssl base64 -A)"); cp "$body" "$base"; sign; emit key-base64-encoded
fresh key-is-id startbutton-transfer; cp_body transfer-bank; key_hex=$(hex_of "$keyid"); { printf '%s' "$created"; cat "$body"; } > "$base"; sign; emit key-swapped
fresh key-old-and-echo fiserv-payments; cp_body sale; credential=$(jq -n -c --arg k "$keyid" --arg s "$secret" '{keyid: $k, secret: [$s, "Vw3nTq8ZrYc5KhXe2LpB7sMdUaGf6JtN4oQy9RiHxEkC"]}')
echo "$(head_of)$(cat "$body")" > "$base"; sign; emit 'key-retired body-trailing-newline'
fresh key-mistyped commercehub-digest; cp_body card-capture; key_hex=$(hex_of "x${token#?}"); { head_of; cat "$body"; } > "$base"; sign; emit unproven

# ---- order and shape
fresh order-id-first fiserv-payments; cp_body sale; { printf '%s%s%s' "$nonce" "$keyid" "$created"; cat "$body"; } > "$base"; sign; emit order
fresh order-time-last commercehub-hmac; cp_body charge; { printf '%s%s' "$keyid" "$nonce"; cat "$body"; printf '%s' "$created"; } > "$base"; sign; emit order
fresh lines commercehub-digest; cp_body card-capture; { printf '%s\n%s\n%s\n' "$keyid" "$nonce" "$created"; cat "$body"; } > "$base"; sign; emit separator
fresh colon startbutton-transfer; cp_body transfer-momo; { printf '%s:' "$created"; cat "$body"; } > "$base"; sign; emit separator
fresh pipes fiserv-payments; cp_body sale; { printf '%s|%s|%s|' "$keyid" "$nonce" "$created"; cat "$body"; } > "$base"; sign; emit separator
fresh time-unset commercehub-digest; cp_body card-capture; { printf '%s%s' "$keyid" "$nonce"; cat "$body"; } > "$base"; sign; emit component-missing
fresh method-first commercehub-digest; cp_body card-capture; { printf 'POST'; head_of; cat "$body"; } > "$base"; sign; emit component-extra
fresh method-target-webhook startbutton-webhook; cp_body webhook; { printf 'POST/startbutton/events'; cat "$body"; } > "$base"; sign; emit component-extra

# ---- algorithm, encoding. openssl prints a label before the hex; openssl base64 breaks its lines after 64 characters.
fresh dgst-sha1 startbutton-transfer; algorithm=hmac-sha1; cp_body transfer-bank; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; emit algorithm-sha1
fresh dgst-md5 commercehub-hmac; algorithm=hmac-md5; cp_body charge; { head_of; cat "$body"; } > "$base"; sign; emit algorithm-md5
fresh dgst-sha384-webhook startbutton-webhook; algorithm=hmac-sha384; cp_body webhook; cp "$body" "$base"; sign; emit algorithm-sha384
fresh dgst-no-key startbutton-transfer; algorithm=sha256; cp_body transfer-bank; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; emit algorithm-unkeyed
fresh sha256sum-secret-first startbutton-transfer; algorithm=sha256; cp_body transfer-bank; { printf '%s%s' "$secret" "$created"; cat "$body"; } > "$base"; sign; emit algorithm-secret-prefixed
fresh digest-then-hmac startbutton-transfer; cp_body transfer-bank; { printf '%s' "$created"; cat "$body"; } | openssl dgst -sha256 -binary > "$base"; sign; emit algorithm-double-hash
fresh dgst-hex-output fiserv-payments; cp_body sale; { head_of; cat "$body"; } > "$base"; signature=$(mac_hex); written; emit encoding-hex
fresh dgst-hex-digest commercehub-digest; cp_body card-capture; { head_of; cat "$body"; } > "$base"; signature=$(mac_hex); written; emit encoding-hex
fresh xxd-capitals startbutton-transfer; cp_body transfer-bank; { printf '%s' "$created"; cat "$body"; } > "$base"; signature=$(mac_hex | tr a-f A-F); written; emit encoding-hex-upper
fresh base64-transfer startbutton-transfer; cp_body transfer-bank; { printf '%s' "$created"; cat "$body"; } > "$base"; signature=$(mac_hex | base64_raw); written; emit encoding-base64
fresh base64-of-hex-webhook startbutton-webhook; cp_body webhook; cp "$body" "$base"; signature=$(printf '%s' "$(mac_hex)" | openssl base64 -A); written; emit encoding-base64-of-hex
fresh base64-first-line fiserv-payments; cp_body sale; { head_of; cat "$body"; } > "$base"; signature=$(printf '%s' "$(mac_hex)" | openssl base64 | head -n 1); written; emit encoding-truncated
fresh dgst-label startbutton-transfer; cp_body transfer-bank; { printf '%s' "$created"; cat "$body"; } > "$base"; signature=$(mac_hex); written
headers=$(printf '%s' "$headers" | sed 's/^x-request-id: /x-request-id: SHA2-256(stdin)= /'); emit header-prefix
fresh dgst-label-hex fiserv-payments; cp_body sale; { head_of; cat "$body"; } > "$base"; signature=$(mac_hex); written
headers=$(printf '%s' "$headers" | sed 's/^Message-Signature: /Message-Signature: SHA2-256(stdin)= /'); emit 'header-prefix encoding-hex'

# ---- two and three at once
fresh echo-and-seconds fiserv-payments; cp_body sale; created=$seconds; echo "$(head_of)$(cat "$body")" > "$base"; sign; emit 'body-trailing-newline created-unit'
fresh key-file-and-echo startbutton-transfer; cp_body transfer-momo; key_hex=$(echo "$secret" | xxd -p | tr -d '\n'); echo "$created$(cat "$body")" > "$base"; sign; emit 'key-whitespace body-trailing-newline'
fresh echo-and-hex commercehub-hmac; cp_body charge; echo "$(head_of)$(cat "$body")" > "$base"; signature=$(mac_hex); written; emit 'body-trailing-newline encoding-hex'
fresh local-and-pretty startbutton-transfer; now=1731000001.2; cp_body transfer-bank; { TZ=WAT-1 date -d @1731000000 +%Y%m%d%H%M | tr -d '\n'; jq -j . "$body"; } > "$base"; sign; emit 'created-timezone body-indented'
fresh no-key-base64-of-hex commercehub-digest; algorithm=sha256; cp_body card-capture; { head_of; cat "$body"; } > "$base"; signature=$(printf '%s' "$(mac_hex)" | openssl base64 -A); written; emit 'algorithm-unkeyed encoding-base64-of-hex'
fresh key-echo-seconds-hex fiserv-payments; cp_body sale; created=$seconds; key_hex=$(echo "$secret" | xxd -p | tr -d '\n'); { head_of; cat "$body"; } > "$base"; signature=$(mac_hex); written
emit 'key-whitespace created-unit encoding-hex'
fresh pretty-echo-local startbutton-transfer; now=1731000001.2; cp_body transfer-momo; { TZ=WAT-1 date -d @1731000000 +%Y%m%d%H%M | tr -d '\n'; jq . "$body"; } > "$base"; sign
emit 'created-timezone body-indented body-trailing-newline'

# ---- typed by hand: the requests and the text signed stand here in full, as they would in a ticket
typed() { fresh "$1" "$2"; maker=hand; }
told() { headers=$1; } # the headers, with @ for the signature
finish() { signature=$(mac_hex | as_scheme); headers=$(printf '%s' "$headers" | sed "s|@|$signature|"); }

SMALL='{"requestType":"VoidTransaction","comments":"entered twice"}'
demo_ipg() {
  keyid=Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8 secret=tR5yHn2KqWz8XvLc3PdMb7JgFs4EuAo9BiQeTk6ZyVxNhC1r nonce=9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12 created=1761123456789 now=1761123457.6
  credential="{\"keyid\":\"$keyid\",\"secret\":\"$secret\"}" key_hex=$(hex_of "$secret")
  printf '%s' "$SMALL" > "$body"; printf '%s' "Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM89b2e4c1a-7d35-4f60-8a19-c3d5e7f90b121761123456789$SMALL" > "$base"
}
typed right fiserv-payments; demo_ipg; told "Host: payments.example
api-key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
client-request-id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
timestamp: 1761123456789
message-signature: @"; finish; emit ''
typed apikey-in-one-word fiserv-payments; demo_ipg; told "Host: payments.example
ApiKey: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"; finish; emit header-renamed
typed request-id-for-client-request-id fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
X-Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"; finish; emit header-renamed
typed signature-alone fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Signature: @"; finish; emit header-renamed
typed no-api-key fiserv-payments; demo_ipg; told "Host: payments.example
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"; finish; emit header-missing
typed signature-twice fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @
Message-Signature: 2Sx8mVQnQhK0cJwD7m1o0t4c9n4Yp0y6S1b8o2m7xNw="; finish; emit header-repeated
typed signature-in-api-key fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: @
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8"; finish; emit header-swapped
typed signature-in-quotes fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: '@'"; finish; emit header-prefix
typed signed-with-spaces fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"
printf '%s' 'Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM89b2e4c1a-7d35-4f60-8a19-c3d5e7f90b121761123456789{"requestType": "VoidTransaction", "comments": "entered twice"}' > "$base"
finish; emit body-respaced
typed signed-with-spaces-and-renamed fiserv-payments; demo_ipg; told "Host: payments.example
X-Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"
printf '%s' 'Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM89b2e4c1a-7d35-4f60-8a19-c3d5e7f90b121761123456789{"requestType": "VoidTransaction", "comments": "entered twice"}' > "$base"
finish; emit 'header-renamed body-respaced'
# As .NET's JSON writer escapes: capitals in the hex digits.
typed dotnet-escapes fiserv-payments; demo_ipg; printf '%s' '{"requestType":"VoidTransaction","comments":"Größe falsch"}' > "$body"; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"
printf '%s' 'Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM89b2e4c1a-7d35-4f60-8a19-c3d5e7f90b121761123456789{"requestType":"VoidTransaction","comments":"Gr\u00F6\u00DFe falsch"}' > "$base"
finish; emit body-escaped-unicode
# As a map in Go is written: keys in order.
typed go-map fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"
printf '%s' 'Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM89b2e4c1a-7d35-4f60-8a19-c3d5e7f90b121761123456789{"comments":"entered twice","requestType":"VoidTransaction"}' > "$base"
finish; emit body-key-order
typed comma-and-space fiserv-payments; demo_ipg; told "Host: payments.example
Api-Key: Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8
Client-Request-Id: 9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12
Timestamp: 1761123456789
Message-Signature: @"
printf '%s' "Qm7VbXc2LrT9sKdW4hZpY6nEaJf3GuM8,9b2e4c1a-7d35-4f60-8a19-c3d5e7f90b12,1761123456789,$SMALL" > "$base"; finish; emit separator

typed go-html-escapes commercehub-hmac; printf '%s' '{"amount":{"total":5,"currency":"USD"},"orderData":{"note":"salt & pepper"}}' > "$body"
{ head_of; printf '%s' '{"amount":{"total":5,"currency":"USD"},"orderData":{"note":"salt \u0026 pepper"}}'; } > "$base"; sign; emit body-escaped-unicode
typed token-without-bearer commercehub-digest; cp_body card-capture; { head_of; cat "$body"; } > "$base"; sign; headers=$(printf '%s' "$headers" | sed 's/Authorization: Bearer /Authorization: /'); emit header-prefix
typed digest-named-signature commercehub-digest; cp_body card-capture; { head_of; cat "$body"; } > "$base"; sign; headers=$(printf '%s' "$headers" | sed 's/Message-Digest: /Message-Signature: /'); emit header-renamed
typed digest-and-token-exchanged commercehub-digest-sha256; algorithm=sha256; cp_body card-capture; { head_of; cat "$body"; } > "$base"; sign
headers=$(printf '%s' "$headers" | sed "s/^Client-Request-Id: .*/Client-Request-Id: $created/; s/^Timestamp: .*/Timestamp: $nonce/"); emit header-swapped
typed plain-digest-uppercase commercehub-digest-sha256; algorithm=sha256; cp_body card-capture; { head_of; cat "$body"; } > "$base"; signature=$(mac_hex | tr a-f A-F); written; emit encoding-hex-upper
typed plain-digest-base64-of-hex commercehub-digest-sha256; algorithm=sha256; cp_body card-capture; { head_of; cat "$body"; } > "$base"; signature=$(printf '%s' "$(mac_hex)" | openssl base64 -A); written; emit encoding-base64-of-hex
typed transfer-signature-header startbutton-transfer; cp_body transfer-momo; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; headers=$(printf '%s' "$headers" | sed 's/x-request-id: /x-signature: /'); emit header-renamed
typed transfer-id-of-gateway startbutton-transfer; cp_body transfer-momo; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; headers="$headers
X-Request-Id: 5d0c8a4e9f3b47d1a2c6e8f0b1d3a5c7"; emit header-repeated
typed transfer-unsigned startbutton-transfer; cp_body transfer-momo; { printf '%s' "$created"; cat "$body"; } > "$base"; sign; headers=$(printf '%s' "$headers" | sed '/^x-request-id/d'); emit header-missing
typed webhook-prefixed startbutton-webhook; cp_body webhook; cp "$body" "$base"; sign; headers=$(printf '%s' "$headers" | sed 's/signature: /signature: sha512=/'); emit header-prefix
typed webhook-object startbutton-webhook; cp_body webhook; printf '[object Object]' > "$base"; sign; emit body-object-object
typed webhook-double startbutton-webhook; cp_body webhook; { printf '"'; sed 's/"/\\"/g' "$body" | tr -d '\n'; printf '"'; } > "$base"; sign; emit body-double-encoded
typed dots-renamed-sha1 commercehub-hmac; algorithm=hmac-sha1; cp_body session; target=/payments-vas/v1/security/credentials; { printf '%s.%s.%s.' "$keyid" "$nonce" "$created"; cat "$body"; } > "$base"; sign
headers=$(printf '%s' "$headers" | sed 's/^Api-Key: /Apikey: /'); emit 'separator header-renamed algorithm-sha1'

for maker in shell hand; do jq -s . "$work/$maker" > "../corpus/$maker.json"; echo "$maker: $(jq length "../corpus/$maker.json")"; done
