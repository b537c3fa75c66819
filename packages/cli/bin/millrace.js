#!/usr/bin/env node
// Plain old JavaScript, which any Node can parse: an older one shall say what it lacks, not complain about syntax.
'use strict'

var major = parseInt(process.versions.node, 10)
if (major < 24) {
  console.error('millrace needs Node.js 24 or newer; this is ' + process.version + ' (' + process.execPath + ').')
  console.error('Install a newer Node.js, or run it with one: npx --package node@24 --package millrace millrace ...')
  process.exit(2)
}
require('./start.js')
