const origins = process.env.ORIGINS as string;
const other = process.env.OTHER;
export const list = origins.split(',');