export const name = 'plugin';
