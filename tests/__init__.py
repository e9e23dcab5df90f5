"""Tests of KAP Clinic; the folders mirror the apps."""
