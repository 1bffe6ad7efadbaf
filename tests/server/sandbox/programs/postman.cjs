// Sends a collection as Postman does: script, variables, request, script. Reads {collection, environment}; writes what came back.
// Hashing is crypto-js itself, which Postman gives to its scripts; the rest is the part of its interface that the scripts use.
const vm = require("vm");
const path = require("path");
const { replaced, input } = require("./variables.cjs");

const libraries = { "crypto-js": path.join(__dirname, "../../../fixtures/crypto-js") };
const required = (name) => {
    if (!(name in libraries)) { throw new Error(`${name} is not in this sandbox`); }
    return require(libraries[name]);
};

async function send(item, scopes) {
    // An environment's value goes before a collection's.
    const get = (name) => scopes.environment[name] || scopes.collection[name];
    const headers = new Map(item.request.header.map(({ key, value }) => [key, value]));
    const body = item.request.body ? { ...item.request.body, update(change) { Object.assign(this, change); } } : undefined;
    const pm = {
        variables: { get, replaceIn: (text) => replaced(text, get) },
        collectionVariables: { set: (name, value) => { scopes.collection[name] = value; } },
        request: { method: item.request.method, body, headers: { upsert: ({ key, value }) => headers.set(key, value) } },
    };
    const run = (listen) => item.event.filter((event) => event.listen === listen).forEach(({ script }) => {
        vm.runInNewContext(script.exec.join("\n"), { pm, require: required, console });
    });
    run("prerequest");
    const response = await fetch(replaced(item.request.url.raw, get), {
        method: item.request.method,
        headers: [...headers].map(([name, value]) => [name, replaced(value, get)]),
        body: body && replaced(body.raw, get),
    });
    const text = await response.text();
    pm.response = { code: response.status, json: () => JSON.parse(text) };
    run("test");
    return { name: item.name, status: response.status, body: text };
}

async function main() {
    const { collection, environment } = input();
    const scopes = { environment, collection: Object.fromEntries(collection.variable.map(({ key, value }) => [key, value])) };
    const answers = [];
    for (const item of collection.item.flatMap((folder) => folder.item)) {
        answers.push(await send(item, scopes));
    }
    process.stdout.write(JSON.stringify(answers));
}

main();
