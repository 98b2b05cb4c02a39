const names = ['A_KEY', 'B_KEY'];
const missing = names.filter((n) => !process.env[n]);
if (missing.length) throw new Error('Missing: ' + missing.join(', '));