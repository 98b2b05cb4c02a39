async function main() { await null; if (!process.env.A_KEY) throw new Error('A_KEY missing'); }
main();