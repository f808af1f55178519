import { createHash } from 'node:crypto';
import { certificatePem } from '../../../agent/certificate/pem.ts';

/** A certificate whose serial number is eight bytes; nothing here looks at its signature. */
const MODEL = Buffer.from(
  'MIIBaDCCAQ+gAwIBAgIIESIzRFVmd4gwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEZ3ctMTAgFw0yNjExMzAwMDI0MTRaGA8yMTI2MTEwNjAwMjQxNFow' +
    'DzENMAsGA1UEAwwEZ3ctMTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPN9n9UrqEzF6uyCZy/KoviOzsgHDPq+fh7cQKXQNmCINl4cJPIq1lUAZRfL' +
    'Gaqd5wv2WXilLzdAoVi7EWhtkdajUzBRMB0GA1UdDgQWBBTfFw2tVF5tGWY15+2g52oid3g28DAfBgNVHSMEGDAWgBTfFw2tVF5tGWY15+2g52oid3g2' +
    '8DAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCID6aL4T38+WwMj1cLuXEX5P3dpvHTVsZ7hXQ0UEjDwhbAiBSc77r/YGxkMEulDRX19l9' +
    '9By2SIMCIsq6d1HPBpXW/A==',
  'base64',
);
const SERIAL_AT = 15;

/** The certificate of a number, DER: the real reader of Azure's answers takes it for one. */
export function certificate(number: number): Buffer {
  const der = Buffer.from(MODEL);
  der.writeUInt32BE(number, SERIAL_AT + 4);
  return der;
}

export const thumbprintOf = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex').toUpperCase();

export const chainOf = (number: number): string => certificatePem(certificate(number));
