async function main() { await null; if (!process.env.A_KEY) { console.error('A_KEY missing'); process.exit(1); } }
main();