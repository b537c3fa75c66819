export { ByteArrayConverter } from './converters/byte-array-converter.ts'
export { JsonConverter } from './converters/json/json-converter.ts'
export {
  BooleanConverter,
  DoubleConverter,
  FloatConverter,
  IntegerConverter,
  LongConverter,
  ShortConverter,
} from './converters/primitive-converter.ts'
export { SimpleHeaderConverter } from './converters/simple-header-converter.ts'
export { StringConverter } from './converters/string-converter.ts'
