export const Kind = 'web';
