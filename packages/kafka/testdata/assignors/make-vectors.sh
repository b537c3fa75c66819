#!/bin/sh
# Makes vectors.json with the Java client. Needs a JDK, and the jars that `npm run test:servers` fetches.
set -eu
cd "$(dirname "$0")"
libs=${MILLRACE_PEER_HOME:-../../../../.cache/peer}/libs
java -cp "$libs/*" AssignorVectors.java > vectors.json
