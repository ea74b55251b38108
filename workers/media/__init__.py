"""Decoders for untrusted bytes: everything here runs in a sandboxed child process."""
