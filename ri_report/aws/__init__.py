"""AWS's end of the line: accounts, credentials, clients, collect. Only here is boto3 imported."""
