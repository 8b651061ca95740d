# ruleid: ruby.certificate-not-checked
http.verify_mode = OpenSSL::SSL::VERIFY_NONE
# ruleid: ruby.certificate-not-checked
Net::HTTP.start(host, port, use_ssl: true, verify_mode: OpenSSL::SSL::VERIFY_NONE)
# ok: ruby.certificate-not-checked
http.verify_mode = OpenSSL::SSL::VERIFY_PEER

# ruleid: ruby.fast-password-hash
hash = Digest::SHA1.hexdigest(password + salt)
# ok: ruby.fast-password-hash
hash = BCrypt::Password.create(password)
# ok: ruby.fast-password-hash
key = Digest::MD5.hexdigest(path)

# ruleid: ruby.exception-swallowed
begin
  run
rescue Exception
  nil
end
# ok: ruby.exception-swallowed
begin
  run
rescue Exception => e
  report(e)
  raise
end
# ok: ruby.exception-swallowed
begin
  run
rescue IOError
  nil
end
