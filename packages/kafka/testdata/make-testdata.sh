#!/bin/sh
# Makes the keys, certificates and key stores beside it. Needs keytool of Java 17 and OpenSSL 3.
# The files are stored, so that tests need neither; run it only to change them. All are for tests and protect nothing.
set -eu
cd "$(dirname "$0")"
rm -f -- *.pem *.p12 *.jks
days=36500
store=store-secret
key=key-secret
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An authority, and one that nobody trusts.
authority() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$1.pem" -days $days -subj "/O=Millrace/CN=$2" \
    -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
}
# leaf NAME COMMON-NAME AUTHORITY EXTENSIONS KEY-ALGORITHM...
leaf() {
  name=$1 common=$2 authority=$3 extensions=$4
  shift 4
  openssl req -new -newkey "$@" -nodes -keyout "$name-key.pem" -out "$work/$name.csr" -subj "/O=Millrace/CN=$common" 2>/dev/null
  printf '%b' "$extensions" > "$work/$name.ext"
  openssl x509 -req -in "$work/$name.csr" -CA "$authority.pem" -CAkey "$work/$authority.key" -CAcreateserial -CAserial "$work/serial" \
    -out "$name.pem" -days $days -extfile "$work/$name.ext" 2>/dev/null
}
authority ca 'Test Authority'
authority other-ca 'Other Authority'
leaf server 'broker' ca 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' rsa:2048
leaf other-host 'elsewhere' ca 'subjectAltName=DNS:elsewhere.example\n' rsa:2048
leaf untrusted-client 'mallory' other-ca '' rsa:2048
# The client's certificate comes from an authority of its own below the first.
openssl req -new -newkey rsa:2048 -nodes -keyout "$work/intermediate.key" -out "$work/intermediate.csr" -subj '/O=Millrace/CN=Client Authority' 2>/dev/null
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' > "$work/intermediate.ext"
openssl x509 -req -in "$work/intermediate.csr" -CA ca.pem -CAkey "$work/ca.key" -CAcreateserial -CAserial "$work/serial" \
  -out intermediate.pem -days $days -extfile "$work/intermediate.ext" 2>/dev/null
leaf client 'alice' intermediate '' rsa:2048
leaf client-ec 'bob' intermediate '' ec -pkeyopt ec_paramgen_curve:P-256
cat client.pem intermediate.pem > client-chain.pem
cat client-key.pem client-chain.pem > client-keystore.pem
openssl pkcs8 -topk8 -in client-key.pem -out client-key-encrypted.pem -passout pass:$key

# A server's certificate that is no longer valid.
openssl pkcs12 -export -in ca.pem -inkey "$work/ca.key" -name ca -out "$work/ca.p12" -passout pass:$store
keytool -genkeypair -keystore "$work/expired.p12" -storepass $store -alias expired -keyalg RSA -keysize 2048 -dname 'CN=expired' -noprompt 2>/dev/null
keytool -certreq -keystore "$work/expired.p12" -storepass $store -alias expired -file "$work/expired.csr" 2>/dev/null
keytool -gencert -keystore "$work/ca.p12" -storepass $store -alias ca -infile "$work/expired.csr" -rfc -outfile expired.pem \
  -startdate -730d -validity 365 -ext san=dns:localhost,ip:127.0.0.1 2>/dev/null
openssl pkcs12 -in "$work/expired.p12" -passin pass:$store -nodes -nocerts 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out expired-key.pem

# Trust stores.
trust() {
  type=$1 file=$2
  shift 2
  keytool "$@" -importcert -noprompt -storetype "$type" -keystore "$file" -storepass $store -alias authority -file ca.pem 2>/dev/null
  keytool "$@" -importcert -noprompt -storetype "$type" -keystore "$file" -storepass $store -alias other -file other-ca.pem 2>/dev/null
}
trust JKS truststore.jks
trust PKCS12 truststore.p12
trust PKCS12 truststore-older.p12 -J-Dkeystore.pkcs12.legacy
trust JCEKS truststore-jceks.jks
trust JKS "$work/empty.jks"
keytool -delete -storetype JKS -keystore "$work/empty.jks" -storepass $store -alias authority 2>/dev/null
keytool -delete -storetype JKS -keystore "$work/empty.jks" -storepass $store -alias other 2>/dev/null
cp "$work/empty.jks" truststore-empty.jks
openssl pkcs12 -export -nokeys -in ca.pem -out truststore-unmarked.p12 -passout pass:$store

# Key stores with the client's key.
openssl pkcs12 -export -in client.pem -inkey client-key.pem -certfile intermediate.pem -name alice -out keystore-openssl.p12 -passout pass:$store
openssl pkcs12 -export -legacy -in client.pem -inkey client-key.pem -certfile intermediate.pem -name alice -out keystore-openssl-older.p12 -passout pass:$store
openssl pkcs12 -export -in client-ec.pem -inkey client-ec-key.pem -certfile intermediate.pem -name bob -out keystore-ec.p12 -passout pass:$store
openssl pkcs12 -export -in client.pem -inkey client-key.pem -certfile intermediate.pem -name alice -out keystore-sha512.p12 -passout pass:$store \
  -macalg sha512 -keypbe aes-128-cbc -certpbe aes-192-cbc
import() {
  type=$1 file=$2
  shift 2
  keytool "$@" -importkeystore -noprompt -srckeystore keystore-openssl.p12 -srcstoretype PKCS12 -srcstorepass $store -srcalias alice \
    -destkeystore "$file" -deststoretype "$type" -deststorepass $store -destalias alice 2>/dev/null
}
import PKCS12 keystore.p12
import PKCS12 keystore-older.p12 -J-Dkeystore.pkcs12.legacy
import JKS keystore.jks
keytool -keypasswd -storetype JKS -keystore keystore.jks -storepass $store -alias alice -keypass $store -new $key 2>/dev/null

# The server's, for a broker that runs on Java.
openssl pkcs12 -export -in server.pem -inkey server-key.pem -certfile ca.pem -name server -out server.p12 -passout pass:$store
