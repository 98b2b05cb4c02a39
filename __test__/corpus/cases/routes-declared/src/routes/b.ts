export const b = { getEnvironment: async ({ markOptional }: any = {}) => (markOptional ? ['SECOND', 'THIRD?'] : []) };
