package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs are PEM files of a CA and of what it signed: a certificate for the
// server on 127.0.0.1 and one for a client.
type Certs struct{ CA, Server, ServerKey, Client, ClientKey string }

// NewCerts makes certificates that end with the test.
func NewCerts(t testing.TB) Certs {
	t.Helper()
	dir := t.TempDir()
	serial := int64(0)
	template := func(name string) *x509.Certificate {
		serial++
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var ca *x509.Certificate
	var caKey *ecdsa.PrivateKey
	sign := func(name string, c *x509.Certificate) (cert, key string) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if ca == nil {
			ca, caKey = c, k
		}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, &k.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return file(name+".crt", "CERTIFICATE", der), file(name+".key", "PRIVATE KEY", pkcs8)
	}
	root := template("test CA")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	var all Certs
	all.CA, _ = sign("ca", root)
	all.Server, all.ServerKey = sign("server", template("redis"))
	all.Client, all.ClientKey = sign("client", template("bot"))
	return all
}
