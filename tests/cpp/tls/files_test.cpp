// SPDX-License-Identifier: Apache-2.0
// What is in the files of certificates and keys, and what is wrong with them.
#include "tls/files.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cerrno>
#include <set>
#include <string>

#include "support/error_of.h"
#include "support/tls_peers.h"

namespace cppipc::files_test {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class FilesTest : public test::TlsTest {
 protected:
  static Error refusal(const TlsServerOptions& options) {
    return error_of([&] { TlsServer::load(options); });
  }
  static Error client_refusal(const TlsClientOptions& options) {
    return error_of([&] { connector(0, options); });
  }
};

TEST_F(FilesTest, AGoodPairIsSummedUpWithoutWarnings) {
  const auto server = TlsServer::load(server_options());
  EXPECT_THAT(server->summary(), HasSubstr("certificate CN=server, valid until 2"));
  EXPECT_THAT(server->warnings(), IsEmpty());
}

TEST_F(FilesTest, OneFileMayHoldCertificateAndKey) {
  test::write_file(file("both.pem"),
                   test::read_file(file("server.key")) + test::read_file(file("server.pem")));
  ::chmod(file("both.pem").c_str(), 0600);
  EXPECT_THAT(TlsServer::load({file("both.pem"), "", ""})->warnings(), IsEmpty());
}

TEST_F(FilesTest, AFileThatIsNotThereIsNamedWithTheReason) {
  const Error error = refusal({file("none.pem"), file("server.key"), ""});
  EXPECT_EQ(error.kind(), ErrorKind::kInputOutput);
  EXPECT_EQ(error.error_number, ENOENT);
  EXPECT_THAT(error.what(), HasSubstr("the certificate"));
  EXPECT_THAT(error.what(), HasSubstr("none.pem': No such file"));
  EXPECT_THAT(refusal({file("server.pem"), file("none.key"), ""}).what(),
              HasSubstr("the key of TLS, '"));
  EXPECT_THAT(refusal({file("server.pem"), file("server.key"), file("none")}).what(),
              HasSubstr("the clients' authority"));
  EXPECT_EQ(refusal({file(""), file("server.key"), ""}).error_number, EISDIR);
}

TEST_F(FilesTest, WhatIsNotPemIsSaidToBeNone) {
  test::write_file(file("text.pem"), "no certificate\n");
  const Error error = refusal({file("text.pem"), file("server.key"), ""});
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("text.pem', has no certificate in it"));
  EXPECT_THAT(refusal({file("server.pem"), file("text.pem"), ""}).what(),
              HasSubstr("text.pem', has no private key in it"));
  test::write_file(file("empty.pem"), "");
  EXPECT_THAT(refusal({file("empty.pem"), file("server.key"), ""}).what(),
              HasSubstr("has no certificate in it"));
}

TEST_F(FilesTest, ADamagedCertificateIsRefusedAlsoBehindAGoodOne) {
  std::string text = test::read_file(file("ca.pem"));
  text[text.size() / 2] = '!';
  test::write_file(file("damaged.pem"), test::read_file(file("server.pem")) + text);
  EXPECT_THAT(refusal({file("damaged.pem"), file("server.key"), ""}).what(),
              HasSubstr("has a certificate that is damaged"));
}

TEST_F(FilesTest, AKeyOfAnotherCertificateIsRefusedNamingBoth) {
  authority_->issue(*folder_, "other");
  const Error error = refusal({file("server.pem"), file("other.key"), ""});
  EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  EXPECT_THAT(error.what(), HasSubstr("other.key', is not that of the first certificate in '"));
  EXPECT_THAT(error.what(), HasSubstr("server.pem"));
}

TEST_F(FilesTest, AKeyWithAPassphraseIsRefusedAndNobodyIsAsked) {
  const std::string text = test::read_file(file("server.key"));
  const tls::Owned<BIO> in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const tls::Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const tls::Owned<BIO> out(BIO_new_file(file("locked.key").c_str(), "w"));
  std::string word = "open sesame";
  PEM_write_bio_PrivateKey(out.get(), key.get(), EVP_aes_256_cbc(),
                           reinterpret_cast<unsigned char*>(word.data()),
                           static_cast<int>(word.size()), nullptr, nullptr);
  BIO_flush(out.get());
  EXPECT_THAT(refusal({file("server.pem"), file("locked.key"), ""}).what(),
              HasSubstr("has a passphrase"));
}

TEST_F(FilesTest, WhatIsNotGoodForEverIsAWarning) {
  authority_->issue(*folder_, "old", {"old", "DNS:localhost", -7200, -3600});
  EXPECT_THAT(TlsServer::load({file("old.pem"), file("old.key"), ""})->warnings(),
              ElementsAre(HasSubstr("old.pem', expired on 2")));
  authority_->issue(*folder_, "new", {"new", "DNS:localhost", 3600, 7200});
  ::chmod(file("new.key").c_str(), 0644);
  EXPECT_THAT(TlsServer::load({file("new.pem"), file("new.key"), ""})->warnings(),
              ElementsAre(HasSubstr("is not valid before 2"),
                          HasSubstr("new.key', may be read by other users")));
}

TEST_F(FilesTest, ClientsFilesAreCheckedLikewise) {
  TlsClientOptions options = client_options();
  options.authority_file = file("none.pem");
  EXPECT_EQ(client_refusal(options).error_number, ENOENT);
  options = client_options();
  options.key_file = file("server.key");
  EXPECT_THAT(client_refusal(options).what(), HasSubstr("without the certificate"));
  options = client_options();
  options.server_name = "";
  EXPECT_THAT(client_refusal(options).what(), HasSubstr("server_name is missing"));
  options.server_name = std::string("a\0b", 3);
  EXPECT_EQ(client_refusal(options).kind(), ErrorKind::kInvalidArgument);
}

TEST_F(FilesTest, AReloadReadsTheFilesAgainAndABadOneChangesNothing) {
  authority_->issue(*folder_, "turning", {"before"});
  const auto server = TlsServer::load({file("turning.pem"), file("turning.key"), ""});
  EXPECT_THAT(server->summary(), HasSubstr("CN=before"));
  test::write_file(file("turning.pem"), "nothing");
  EXPECT_EQ(error_of([&] { server->reload(); }).kind(), ErrorKind::kInvalidArgument);
  EXPECT_THAT(server->summary(), HasSubstr("CN=before"));
  authority_->issue(*folder_, "turning", {"after", "DNS:localhost", -7200, -3600});
  server->reload();
  EXPECT_THAT(server->summary(), HasSubstr("CN=after"));
  EXPECT_EQ(server->warnings().size(), 1u);
}

TEST_F(FilesTest, ACertificateWithoutASubjectIsKnownByItsHash) {
  authority_->issue(*folder_, "nameless", {"", "DNS:localhost"});
  const auto certificates = tls::read_certificates(file("nameless.pem"), "the certificate");
  const std::string identity = tls::identity_of(certificates.front().get());
  EXPECT_THAT(identity, testing::StartsWith("certificate SHA-256 "));
  EXPECT_EQ(identity.size(), std::string("certificate SHA-256 ").size() + 64);
}

TEST_F(FilesTest, SubjectsThatLookAlikeAreDifferentIdentities) {
  const test::Authority quoting("B\" of \"CN=C");
  authority_->issue(*folder_, "a", {"A"});
  test::Authority("B").issue(*folder_, "b", {"A"});
  quoting.issue(*folder_, "c", {"A"});
  std::set<std::string> identities;
  for (const char* name : {"a", "b", "c"}) {
    const auto read = tls::read_certificates(file(name + std::string(".pem")), "the certificate");
    identities.insert(tls::identity_of(read.front().get()));
  }
  EXPECT_EQ(identities.size(), 3u);
  EXPECT_EQ(identities.count("certificate \"CN=A\" of \"CN=B\""), 1u);
}

}  // namespace
}  // namespace cppipc::files_test
