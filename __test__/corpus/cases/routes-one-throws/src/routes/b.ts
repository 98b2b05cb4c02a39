export const b = { getEnvironment: () => ['SECOND'] };
