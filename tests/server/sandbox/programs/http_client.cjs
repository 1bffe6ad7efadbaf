// Sends an .http file as JetBrains' HTTP client does. Reads {text, environment}; writes what came back.
// Hashing is Node's own, behind the names that the client gives it; the rest is the part of its interface that the scripts use.
const vm = require("vm");
const node = require("crypto");
const { replaced, input } = require("./variables.cjs");

const builder = (hash) => ({
    updateWithText(text) { hash.update(text, "utf8"); return this; },
    digest: () => ({ toHex: () => hash.digest("hex") }),
});
const names = ["sha256", "sha384", "sha512"];
const crypto = {
    ...Object.fromEntries(names.map((name) => [name, () => builder(node.createHash(name))])),
    hmac: Object.fromEntries(names.map((name) => [name, () => ({ withTextSecret: (key) => builder(node.createHmac(name, key)) })])),
};
exports.crypto = crypto;

function parsed(part) {
    const lines = part.split("\n");
    const cut = (opening) => {
        const from = lines.indexOf(opening);
        if (from < 0) { return ""; }
        const script = lines.splice(from, lines.indexOf("%}", from) - from + 1);
        return script.slice(1, -1).join("\n");
    };
    const name = lines.shift().trim();
    const before = cut("< {%");
    const after = cut("> {%");
    const [head, body] = lines.join("\n").trim().split("\n\n");
    const [first, ...headers] = head.split("\n");
    const [method, url] = first.split(" ");
    return { name, before, after, method, url, headers: headers.map((line) => line.split(/: (.*)/s, 2)), body };
}

async function send(request, globals, environment, inPlace) {
    const own = {};
    // The order in which the client looks: what an environment has goes before all else.
    const find = (name) => environment[name] || globals[name] || inPlace[name] || own[name];
    const client = { global: { get: (name) => globals[name] || null, set: (name, value) => { globals[name] = value; } } };
    const asked = {
        environment: { get: (name) => environment[name] || null },
        variables: { set: (name, value) => { own[name] = value; } },
        body: { tryGetSubstituted: () => replaced(request.body, find) },
    };
    vm.runInNewContext(request.before, { client, request: asked, crypto });
    const response = await fetch(replaced(request.url, find), {
        method: request.method,
        headers: request.headers.map(([name, value]) => [name, replaced(value, find)]),
        body: request.body && replaced(request.body, find),
    });
    const text = await response.text();
    const json = (response.headers.get("content-type") || "").startsWith("application/json");
    vm.runInNewContext(request.after, { client, response: { status: response.status, body: json ? JSON.parse(text) : text } });
    return { name: request.name, status: response.status, body: text };
}

async function main() {
    const { text, environment } = input();
    const [heading, ...parts] = text.split(/^### /m);
    const inPlace = Object.fromEntries([...heading.matchAll(/^@(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value]));
    const globals = {}, answers = [];
    for (const request of parts.map(parsed)) {
        answers.push(await send(request, globals, environment, inPlace));
    }
    process.stdout.write(JSON.stringify(answers));
}

if (require.main === module) { main(); }
