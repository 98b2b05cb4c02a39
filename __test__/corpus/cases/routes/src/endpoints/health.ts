export const health = { async getEnvironment() { return []; } };
