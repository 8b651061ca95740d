<?php
// ruleid: php.certificate-not-checked
curl_setopt($c, CURLOPT_SSL_VERIFYPEER, false);
// ruleid: php.certificate-not-checked
$context = stream_context_create(['ssl' => ['verify_peer' => false]]);
// ok: php.certificate-not-checked
curl_setopt($c, CURLOPT_SSL_VERIFYPEER, true);
// ok: php.certificate-not-checked
curl_setopt($c, CURLOPT_SSL_VERIFYHOST, 2);

// ruleid: php.fast-password-hash
$hash = md5($password);
// ruleid: php.fast-password-hash
$hash = sha1($salt . $userPassword);
// ok: php.fast-password-hash
$hash = password_hash($password, PASSWORD_DEFAULT);
// ok: php.fast-password-hash
$key = md5($path);
// ok: php.fast-password-hash
$key = md5($passwordResetToken);

// ruleid: php.predictable-token
$token = md5(uniqid());
// ruleid: php.predictable-token
$csrfToken = mt_rand(1, 1000000);
// ok: php.predictable-token
$token = bin2hex(random_bytes(32));
// ok: php.predictable-token
$delay = mt_rand(1, 10);

// ruleid: php.hash-compared-with-equals
if (hash_hmac('sha256', $body, $key) == $signature) { accept(); }
// ok: php.hash-compared-with-equals
if (hash_equals(hash_hmac('sha256', $body, $key), $signature)) { accept(); }

// ruleid: php.phpinfo-left
phpinfo();
// ok: php.phpinfo-left
phpversion();

// ruleid: php.weak-cipher
$text = openssl_encrypt($data, 'des-ede3-cbc', $key);
// ruleid: php.weak-cipher
$text = openssl_decrypt($data, 'AES-128-ECB', $key);
// ok: php.weak-cipher
$text = openssl_encrypt($data, 'aes-256-gcm', $key, 0, $iv, $tag);
