/** An option that most transformations have (KIP-1040). */
export const nullReplacementKey = {
  type: 'BOOLEAN',
  default: true,
  importance: 'MEDIUM',
  documentation: 'Whether a null field that has a default value is read as that default. When false, it is read as null.',
} as const
