// {{names}} in texts, as both programs replace them: what has no value stays as it is.
exports.replaced = (text, find) => text.replace(/\{\{([^{}]+)\}\}/g, (whole, name) => find(name) || whole);
exports.input = () => JSON.parse(require("fs").readFileSync(0, "utf8"));
