// certificate.mjs - self-signed certificates for tests, made with openssl.

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// Writes NAME.crt and NAME.key into `folder`, in the place of what was there: { certificate, key, pem, fingerprint }.
export function makeCertificate(folder, { name = 'server', days = 30 } = {}) {
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate, '-days', String(days), ...subject], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30_000,
  });
  chmodSync(key, 0o600);
  const pem = readFileSync(certificate, 'utf8');
  return { certificate, key, pem, fingerprint: new X509Certificate(pem).fingerprint256 };
}
