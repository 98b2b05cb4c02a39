export const envParser = 'text';
