export const a = { getEnvironment: () => ['FIRST', 'SECOND?'] };
