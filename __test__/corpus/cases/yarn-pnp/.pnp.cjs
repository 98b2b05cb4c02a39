module.exports = { setup() {} };
