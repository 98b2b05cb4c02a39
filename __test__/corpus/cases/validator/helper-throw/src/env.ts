function must(n: string): string { const v = process.env[n]; if (!v) throw new Error(`Missing env ${n}`); return v; }
export const a = must('A_KEY');
export const b = must('B_KEY');