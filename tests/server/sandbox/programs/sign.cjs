// Runs generated functions on requests. Reads {program, jobs: [{source, cases}]}; writes for each job what its function gave, and some ids.
const vm = require("vm");
const { input } = require("./variables.cjs");

const { program, jobs } = input();
const given = program === "postman"
    ? { require: (name) => require({ "crypto-js": "../../../fixtures/crypto-js" }[name]) }
    : { crypto: require("./http_client.cjs").crypto };

function done({ source, cases }) {
    const { sign, ids } = vm.runInNewContext(`${source}; ({
        sign: sign,
        ids: typeof newId === "function" ? [newId(random()), newId(random()), newId(random())] : []
    })`, given);
    return { signed: cases.map(({ credential, body, moment, id }) => sign(credential, body, moment, id)), ids };
}

process.stdout.write(JSON.stringify(jobs.map(done)));
