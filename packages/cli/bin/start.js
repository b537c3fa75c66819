'use strict'

// Before anything else is loaded: compiled code is kept between runs, which more than halves the time to start. Threads learn of it by the variable.
const { enableCompileCache } = require('node:module')
const { dirname } = require('node:path')
const { directory } = enableCompileCache()
// Node itself adds the folder of its version to what the variable says.
if (directory !== undefined && process.env.NODE_COMPILE_CACHE === undefined) process.env.NODE_COMPILE_CACHE = dirname(directory)

// Plug-ins share the process's pool of threads for files and name look-ups. It is sized at its first use, so it has to be sized here.
if (process.env.UV_THREADPOOL_SIZE === undefined) process.env.UV_THREADPOOL_SIZE = '16'

import('../src/start.ts').then(
  ({ start }) => start(process.argv.slice(2)),
  (error) => {
    console.error(error)
    process.exit(2)
  },
)
